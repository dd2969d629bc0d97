namespace RecoServe.Trainer.Evaluation;

/// <summary>One pass of a scorer over the questions of a part.</summary>
internal sealed class RankingPass
{
    private readonly EvaluationSplit _split;
    private readonly IReadOnlyList<HeldOut> _questions;
    private readonly IItemScorer _scorer;
    private readonly RankingOptions _options;
    private readonly int _width;
    private readonly int[] _starts;
    private readonly RecommendedLists? _lists;
    private int _undecided;

    public RankingPass(EvaluationSplit split, IReadOnlyList<HeldOut> questions, IItemScorer scorer, RankingOptions options)
    {
        (_split, _questions, _scorer, _options, _width) = (split, questions, scorer, options, split.Log.Catalogue.Count + 1);
        _starts = new int[questions.Count + 1];
        for (var q = 0; q < questions.Count; q++)
            _starts[q + 1] = _starts[q] + questions[q].Items.Length;
        Ranks = new double[_starts[^1]];
        _lists = options.ListLength > 0 ? new RecommendedLists(questions.Count, options.ListLength) : null;
    }

    /// <summary>The ranks of the questions' items, one question's after another's.</summary>
    public double[] Ranks { get; }

    /// <summary>Questions for which every item has the same score.</summary>
    public int Undecided => _undecided;

    /// <summary>Asks all questions in batches.</summary>
    public void Run(Action<int, int>? progress, CancellationToken cancellationToken)
    {
        var batch = new Question[Math.Min(_scorer.MaxBatch, _questions.Count)];
        var scores = new double[batch.Length * _width];
        using var rankers = new ThreadLocal<(TargetRank Rank, TopItems Top)>(() => (new TargetRank(_width - 1), new TopItems(_width - 1)));
        for (var first = 0; first < _questions.Count; first += batch.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var start = first;
            var count = Math.Min(batch.Length, _questions.Count - first);
            for (var row = 0; row < count; row++)
                batch[row] = _split.QuestionOf(_questions[first + row]);
            _scorer.Score(batch.AsSpan(0, count), scores.AsSpan(0, count * _width));
            Parallel.For(0, count, row => RankOne(
                start + row, _options.KeepSeen ? default : batch[row].History, scores.AsSpan(row * _width, _width), rankers.Value));
            RefuseNaN(first, count);
            progress?.Invoke(first + count, _questions.Count);
        }
    }

    /// <summary>The metrics of the options.</summary>
    public IEnumerable<Metric> Measure() => _lists is null
        ? RankMetrics.Of(_starts, Ranks, _options)
        : RankMetrics.Of(_starts, Ranks, _options).Concat(ListMetrics.Of(_split, _questions, _lists, Ranks, _options));

    private void RankOne(int question, ReadOnlyMemory<int> seen, ReadOnlySpan<double> scores, (TargetRank Rank, TopItems Top) rankers)
    {
        var items = _questions[question].Items.Span;
        for (var i = 0; i < items.Length; i++)
            Ranks[_starts[question] + i] = rankers.Rank.Of(scores, items[i], seen.Span, _options.Ties, items);
        if (double.IsFinite(Ranks[_starts[question]]) && !scores[1..].ContainsAnyExcept(scores[items[0]], double.NegativeInfinity))
            Interlocked.Increment(ref _undecided);
        if (_lists is not null)
            rankers.Top.Find(scores, seen.Span, _lists.SlotsOf(question));
    }

    private void RefuseNaN(int first, int count)
    {
        for (var q = first; q < first + count; q++)
        {
            if (Ranks.AsSpan(_starts[q].._starts[q + 1]).Contains(double.NaN))
                throw new NotFiniteNumberException($"a score for user \"{_split.Log.UserId(_questions[q].User)}\" is NaN; scores are numbers");
        }
    }
}
