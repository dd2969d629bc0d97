using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// Full ranking: each user's target against all N items, without the items of the user's whole history before the target
/// (all of it, not only what a model reads) unless the options keep them. No sampled negatives: they do not order models as the full ranking does
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
    /// <exception cref="DataException">The split leaks; see <see cref="LeakCheck"/>.</exception>
    /// <exception cref="NotFiniteNumberException">The scorer gave NaN; names the user.</exception>
    public static RankingReport Evaluate(
        EvaluationSplit split,
        SplitPart part,
        IItemScorer scorer,
        RankingOptions? options = null,
        Action<int, int>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= RankingOptions.Default;
        var leak = LeakCheck.Find(split, part);
        if (leak is not null && !options.AllowLeaks)
            throw new DataException($"the split leaks: {leak}");
        var ranking = new RankingPass(split, split.HeldOutOf(part), scorer, options);
        ranking.Run(progress, cancellationToken);
        return new RankingReport(split.HeldOutOf(part), ranking.Ranks, ranking.Undecided, [.. ranking.Measure()])
        {
            Leak = leak,
            LaterTraining = LeakCheck.CountAfterFirstTarget(split, part),
        };
    }
}
