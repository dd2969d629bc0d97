namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// Full ranking: each user's target against all N items, without the items of the user's whole history before the target
/// (all of it, not only what a model reads). No sampled negatives: they do not order models as the full ranking does
/// (Krichene &amp; Rendle, KDD 2020).
/// </summary>
internal static class FullRanking
{
    /// <summary>Ranks the targets of one part.</summary>
    /// <param name="split">Questions and targets.</param>
    /// <param name="part">Validation or test.</param>
    /// <param name="scorer">Called from this thread only, with at most its <see cref="IItemScorer.MaxBatch"/> questions.</param>
    /// <param name="options">Metrics and tie rule; without it, the anchors'.</param>
    /// <param name="progress">Called after each batch with the users done and the users in all.</param>
    /// <param name="cancellationToken">Ends the ranking between two batches.</param>
    /// <exception cref="InvalidOperationException">The scorer gave NaN; names the user.</exception>
    public static RankingReport Evaluate(
        LeaveOneOutSplit split,
        SplitPart part,
        IItemScorer scorer,
        RankingOptions? options = null,
        Action<int, int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= RankingOptions.Default;
        var users = split.EvaluatedUsers;
        var ranks = new double[users.Count];
        var undecided = 0;
        var width = split.Log.Catalogue.Count + 1;
        var questions = new Question[Math.Min(scorer.MaxBatch, users.Count)];
        var scores = new double[questions.Length * width];
        using var ranker = new ThreadLocal<TargetRank>(() => new TargetRank(width - 1));

        for (var first = 0; first < users.Count; first += questions.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var start = first;
            var count = Math.Min(questions.Length, users.Count - first);
            for (var row = 0; row < count; row++)
                questions[row] = split.QuestionOf(part, users[first + row]);
            scorer.Score(questions.AsSpan(0, count), scores.AsSpan(0, count * width));
            Parallel.For(0, count, row =>
            {
                var all = scores.AsSpan(row * width, width);
                var target = split.TargetOf(part, users[start + row]);
                ranks[start + row] = ranker.Value!.Of(all, target, questions[row].History.Span, options.Ties);
                if (double.IsFinite(ranks[start + row]) && !all[1..].ContainsAnyExcept(all[target], double.NegativeInfinity))
                    Interlocked.Increment(ref undecided);
            });
            RefuseNaN(split, ranks.AsSpan(first, count), first);
            progress?.Invoke(first + count, users.Count);
        }

        return new RankingReport(users, ranks, undecided, options);
    }

    private static void RefuseNaN(LeaveOneOutSplit split, ReadOnlySpan<double> ranks, int first)
    {
        var users = split.EvaluatedUsers;
        for (var row = 0; row < ranks.Length; row++)
        {
            if (double.IsNaN(ranks[row]))
            {
                var user = split.Log.UserId(users[first + row]);
                throw new InvalidOperationException($"a score for user \"{user}\" is NaN; scores are numbers");
            }
        }
    }
}
