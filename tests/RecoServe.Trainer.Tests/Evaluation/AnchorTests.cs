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

        Assert.Equal((6_040, 3_416, 999_611), (split.EvaluatedUsers.Count, split.Log.Catalogue.Count, split.Log.EventCount));
        Assert.Equal(test, Digits(Rank(split, SplitPart.Test, scorer), ".000000", "HR@1", "HR@5", "HR@10", "HR@20", "HR@50", "NDCG@10", "MRR"));
        if (validation.Length > 0)
            Assert.Equal(validation, Digits(Rank(split, SplitPart.Validation, scorer), ".000000", "HR@10", "NDCG@10"));
    }

    /// <summary>A line a user; popularity over all events, test too, ties by item id: as S3-Rec published it.</summary>
    [Fact]
    public void Popularity_AmazonBeauty_EqualsThePublishedDigits()
    {
        var log = WatchLogReader.Read(new DataOptions { Data = [SharedData.PathOf("amazon/Beauty.txt")] });
        var split = new LeaveOneOutSplit(log);

        var report = Rank(split, SplitPart.Test, new AllEventsPopularity(log));

        Assert.Equal((22_363, 12_101, 198_502), (log.UserCount, log.Catalogue.Count, log.EventCount));
        Assert.Equal(".0080 .0152 .0217 .0068", Digits(report, ".0000", "HR@5", "HR@10", "HR@20", "NDCG@10"));
    }

    private static RankingReport Rank(LeaveOneOutSplit split, SplitPart part, IItemScorer scorer) =>
        FullRanking.Evaluate(split, part, scorer, cancellationToken: TestContext.Current.CancellationToken);

    private static string Digits(RankingReport report, string format, params string[] metrics) =>
        string.Join(' ', metrics.Select(m => report[m].ToString(format, CultureInfo.InvariantCulture)));

    private sealed class AllEventsPopularity : IItemScorer
    {
        private readonly double[] _scores;

        public AllEventsPopularity(WatchLog log)
        {
            _scores = new double[log.Catalogue.Count + 1];
            for (var item = 1; item < _scores.Length; item++)
                _scores[item] = item * -1e-6;
            for (var user = 0; user < log.UserCount; user++)
            {
                foreach (var item in log.ItemsOf(user).Span)
                    _scores[item]++;
            }
        }

        public int MaxBatch => 64;

        public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
        {
            for (var row = 0; row < questions.Length; row++)
                _scores.CopyTo(scores[(row * _scores.Length)..]);
        }
    }
}
