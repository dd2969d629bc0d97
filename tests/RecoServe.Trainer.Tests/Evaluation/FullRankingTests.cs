using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class FullRankingTests
{
    // Scores fall with the index: item 1 is always the best.
    private readonly LeaveOneOutSplit _split = new(Logs.Of(60, [1, 2, 3, 4], [9, 8, 60], [30, 31], [1, 1, 1, 2], [5, 4, 3]));

    [Fact]
    public void Evaluate_KnownScores_GivesTheMetricsByHand()
    {
        var report = Rank(SplitPart.Test, new FallingScorer());

        Assert.Equal([0, 1, 3, 4], report.Users);
        Assert.Equal([1, 58, 1, 3], report.Ranks.ToArray());
        Assert.Equal(["HR@1", "HR@5", "HR@10", "HR@20", "HR@50", "NDCG@5", "NDCG@10", "NDCG@20", "MAP@10", "MRR@10", "MRR"], report.Metrics.Select(m => m.Key));
        Assert.Equal(.5, report["HR@1"]);
        Assert.Equal(.75, report["HR@5"]);
        Assert.Equal(.75, report["HR@50"]);
        Assert.Equal((1 + 1 + 0.5) / 4, report["NDCG@5"], 15);
        Assert.Equal((1 + 1 + (1 / 3.0) + (1 / 58.0)) / 4, report["MRR"], 15);
        Assert.Throws<KeyNotFoundException>(() => report["HR@2"]);
    }

    [Fact]
    public void Evaluate_Validation_AsksForTheSecondLast() =>
        // The last of these users watches item 1 again: it stays in the ranking although it was seen.
        Assert.Equal([1, 8, 1, 4], Rank(SplitPart.Validation, new FallingScorer()).Ranks.ToArray());

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public void Evaluate_AnyBatchSize_GivesTheSameRanks(int batch)
    {
        List<(int, int)> progress = [];
        var report = FullRanking.Evaluate(
            _split, SplitPart.Test, new FallingScorer(batch), RankingOptions.Default with { HitCutoffs = [2] }, (done, all) => progress.Add((done, all)),
            TestContext.Current.CancellationToken);

        Assert.Equal([1, 58, 1, 3], report.Ranks.ToArray());
        Assert.Equal(.5, report["HR@2"]);
        Assert.Equal(Enumerable.Range(1, (4 + batch - 1) / batch).Select(b => (Math.Min(4, b * batch), 4)), progress);
    }

    [Fact]
    public void Evaluate_NaN_NamesTheUser()
    {
        var error = Assert.Throws<NotFiniteNumberException>(() => Rank(SplitPart.Test, new FallingScorer(nanFor: 3)));

        Assert.Contains("user \"u3\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Evaluate_TargetWithoutScore_IsAMissAndCounted()
    {
        var report = Rank(SplitPart.Test, new ConstantScorer(known: 5));

        Assert.Equal(1, report.UnknownTargets);
        Assert.Equal([1, double.PositiveInfinity, 1, 1], report.Ranks.ToArray());
        Assert.Equal(.75, report["HR@50"]);
        Assert.Equal(.75, report["NDCG@20"]);
        Assert.Equal(.75, report["MRR"]);
    }

    [Fact]
    public void Evaluate_AllScoresEqual_AreCountedAsUndecided()
    {
        Assert.Equal(4, Rank(SplitPart.Test, new ConstantScorer(known: 60)).Undecided);
        Assert.Equal(3, Rank(SplitPart.Test, new ConstantScorer(known: 5)).Undecided);
        Assert.Equal(0, Rank(SplitPart.Test, new FallingScorer()).Undecided);
    }

    /// <summary>Items 3 and 4 are relevant, among the four unseen ones that all tie.</summary>
    [Theory]
    [InlineData("Optimistic", 1, 1, 1)]
    [InlineData("Pessimistic", 5 / 12.0, 0, 0)]
    [InlineData("Mean", 7 / 12.0, .5, .25)]
    [InlineData("Index", 7 / 12.0, .5, .25)]
    public void Evaluate_SeveralRelevantItemsThatTie_NeverExceedTheIdeal(string ties, double averagePrecision, double recall, double precisionOfTwo)
    {
        var split = new GivenSplit(Logs.Of(5, [[1, 1, 3, 4]], null, [2], null));
        var options = RankingOptions.Default with { Ties = Enum.Parse<TieRule>(ties), HitCutoffs = [2], PrecisionCutoffs = [2, 4] };

        var report = FullRanking.Evaluate(split, SplitPart.Test, new ConstantScorer(known: 5), options, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(averagePrecision, report["MAP@4"], 12);
        Assert.Equal(recall, report["HR@2"], 12);
        Assert.Equal(precisionOfTwo, report["MAP@2"], 12);
        Assert.InRange(report["NDCG@5"], 0, 1);
    }

    [Fact]
    public void Evaluate_Cancelled_Stops() =>
        Assert.Throws<OperationCanceledException>(() => FullRanking.Evaluate(
            _split, SplitPart.Test, new FallingScorer(), cancellationToken: new CancellationToken(canceled: true)));

    [Fact]
    public void Evaluate_NobodyToAsk_GivesZeros()
    {
        var report = FullRanking.Evaluate(
            new LeaveOneOutSplit(Logs.Of(2, [1, 2])), SplitPart.Test, new FallingScorer(), cancellationToken: TestContext.Current.CancellationToken);

        Assert.Empty(report.Users);
        Assert.Equal(0, report["MRR"]);
    }

    private RankingReport Rank(SplitPart part, IItemScorer scorer) =>
        FullRanking.Evaluate(_split, part, scorer, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Knows the first items only, and likes them all alike.</summary>
    private sealed class ConstantScorer(int known) : IItemScorer
    {
        public int MaxBatch => 2;

        public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
        {
            var width = scores.Length / questions.Length;
            for (var i = 0; i < scores.Length; i++)
                scores[i] = i % width <= known ? 0 : double.NegativeInfinity;
        }
    }

    private sealed class FallingScorer(int batch = 2, int nanFor = -1) : IItemScorer
    {
        public int MaxBatch => batch;

        public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
        {
            Assert.InRange(questions.Length, 1, batch);
            var width = scores.Length / questions.Length;
            for (var i = 0; i < scores.Length; i++)
                scores[i] = i % width == 0 || questions[i / width].User == nanFor ? double.NaN : -(i % width);
        }
    }
}
