using System.Globalization;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

/// <summary>Published and independently computed numbers, to every printed digit.</summary>
public sealed class AnchorTests
{
    [Theory]
    [InlineData("pop", ".005795 .020033 .036921 .068377 .139073 .018033 .019920", ".042881 .020680")]
    [InlineData("markov1", ".055960 .153311 .214404 .285762 .394536 .125926 .109733", ".225497 .134572")]
    [InlineData("cooc10", ".068212 .184437 .262748 .351987 .496523 .152146 .131976", "")]
    public void Baseline_MovieLens1M_EqualsTheAnchors(string baseline, string test, string validation)
    {
        var split = new LeaveOneOutSplit(WatchLogReader.Read(new DataOptions { Data = [SharedData.PathOf("ml-1m/ml-1m.txt")] }));
        var scorer = Baselines.ByName[baseline](split);

        Assert.Equal((6_040, 3_416, 999_611), (split.HeldOutOf(SplitPart.Test).Count, split.Log.Catalogue.Count, split.Log.EventCount));
        Assert.Equal(test, Digits(Rank(split, SplitPart.Test, scorer), ".000000", "HR@1", "HR@5", "HR@10", "HR@20", "HR@50", "NDCG@10", "MRR"));
        if (validation.Length > 0)
            Assert.Equal(validation, Digits(Rank(split, SplitPart.Validation, scorer), ".000000", "HR@10", "NDCG@10"));
    }

    /// <summary>A line a user; popularity over all events, test too, ties by item id: as S3-Rec published it. And the same without the test.</summary>
    [Theory]
    [InlineData("Beauty", 22_363, 12_101, 198_502, "HR@5 .0080 HR@10 .0152 HR@20 .0217 NDCG@10 .0068", "HR@5 .0077 HR@10 .0135 HR@20 .0217")]
    [InlineData("Toys_and_Games", 19_412, 11_924, 167_597, "HR@10 .0113 NDCG@10 .0061", "")]
    public void Popularity_Amazon_EqualsThePublishedDigits(string name, int users, int items, int events, string published, string honest)
    {
        var log = WatchLogReader.Read(new DataOptions { Data = [SharedData.PathOf($"amazon/{name}.txt")] });
        var split = new LeaveOneOutSplit(log);
        string Of(int[] lengths, string expected)
        {
            var counted = split.TrainedOn("counted", lengths);
            var options = new RankingOptions { Ties = TieRule.Index, AllowLeaks = true };
            var report = FullRanking.Evaluate(counted, SplitPart.Test, new PopularityScorer(counted), options, cancellationToken: TestContext.Current.CancellationToken);
            return string.Join(' ', expected.Split(' ').Chunk(2).Select(metric => $"{metric[0]} {Digits(report, ".0000", metric[0])}"));
        }

        Assert.Equal((users, items, events), (log.UserCount, log.Catalogue.Count, log.EventCount));
        Assert.Equal(published, Of([.. Enumerable.Range(0, log.UserCount).Select(u => log.ItemsOf(u).Length)], published));
        if (honest.Length > 0)
            Assert.Equal(honest, Of(split.LengthsBeforeTest(), honest));
    }

    private static RankingReport Rank(LeaveOneOutSplit split, SplitPart part, IItemScorer scorer) =>
        FullRanking.Evaluate(split, part, scorer, cancellationToken: TestContext.Current.CancellationToken);

    private static string Digits(RankingReport report, string format, params string[] metrics) =>
        string.Join(' ', metrics.Select(m => report[m].ToString(format, CultureInfo.InvariantCulture)));
}
