using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Tradeoff;

namespace RecoServe.Trainer.Tests.Tradeoff;

public sealed class TradeoffTests
{
    [Fact]
    public void Shift_AddsTheLogarithmToPremiumItemsOnly()
    {
        var scores = new double[8];
        new ShiftedScorer(new Fixed([0, 1, 2, 3]), [false, true, false, true], 4).Score([default, default], scores);
        Assert.Equal([0, 1 + Math.Log(4), 2, 3 + Math.Log(4), 0, 1 + Math.Log(4), 2, 3 + Math.Log(4)], scores);
    }

    /// <summary>Items 1 to 4 have falling scores; 3 and 4 are premium; the target is item 1.</summary>
    [Fact]
    public void Curve_MoreReward_TradesRecallForPremium()
    {
        var curve = new TradeoffCurve(new LeaveOneOutSplit(Log(["false", "false", "true", "true", "false"])), SplitPart.Test, length: 2);
        TradeoffPoint[] points = [.. new[] { 1, Math.Exp(1.5), Math.Exp(5) }.Select(reward => curve.Measure(curve.Shifted(new Fixed([0, 4, 3, 2, 1, -9]), reward), reward))];
        Assert.Equal([0, 0.5, 1], points.Select(p => p.PremiumShare));
        Assert.Equal([1, 1, 0], points.Select(p => p.Recall));
        Assert.Equal(0.5, TradeoffCurve.RecallAt(points, 0.75), 1e-12);
        Assert.True(double.IsNaN(TradeoffCurve.RecallAt(points, 1.1)));
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], TradeoffPlot.Draw(points, points[..1], 2)[..4]);
    }

    /// <summary>Item 5, which everybody has seen, has the highest score; item 1, the target, ties with item 2.</summary>
    [Theory]
    [InlineData(false, "Optimistic", 1)]
    [InlineData(false, "Pessimistic", 0)]
    [InlineData(true, "Optimistic", 0)]
    public void Curve_RankingOfTheRun_DecidesTheRanks(bool keepSeen, string ties, double recall)
    {
        var ranking = RankingOptions.OfProtocol(new RankingOptions { KeepSeen = keepSeen, Ties = Enum.Parse<TieRule>(ties) }.Protocol);
        var curve = new TradeoffCurve(new LeaveOneOutSplit(Log(["false", "false", "true", "true", "false"])), SplitPart.Test, length: 1, ranking);
        Assert.Equal(recall, curve.Measure(new Fixed([0, 4, 4, 2, 1, 9]), 1, cancellationToken: TestContext.Current.CancellationToken).Recall);
        Assert.Null(RankingOptions.OfProtocol("by taste"));
    }

    [Fact]
    public void Curve_WithoutPremiumItems_IsRefused()
    {
        var e = Assert.Throws<DataException>(() => new TradeoffCurve(new LeaveOneOutSplit(Log(["no", "no", "no", "no", "no"])), SplitPart.Test, 2));
        Assert.Contains("no item has premium", e.Message, StringComparison.Ordinal);
    }

    private static WatchLog Log(string[] premium)
    {
        var catalogue = Catalogue.Create(["1", "2", "3", "4", "5"], new Dictionary<string, IReadOnlyList<string>> { ["premium"] = premium });
        return new WatchLog(catalogue, ["u", "v"], [0, 3, 6], [5, 5, 1, 5, 5, 1], [], []);
    }

    private sealed class Fixed(double[] row) : IItemScorer
    {
        public int MaxBatch => 16;

        public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
        {
            for (var q = 0; q < questions.Length; q++)
                row.CopyTo(scores[(q * row.Length)..]);
        }
    }
}
