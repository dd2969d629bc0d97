using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class BootstrapTests
{
    [Fact]
    public void Intervals_OfAMean_AreAsWideAsTheNormalOnes()
    {
        // 400 users, half of them 1: standard error .025, so the interval is .5 ± .049.
        var users = Enumerable.Range(0, 400).ToArray();
        var bootstrap = new Bootstrap(users, 2_000, seed: 3);

        var interval = Assert.Single(bootstrap.Intervals([[.. users.Select(u => u % 2.0)]]));

        Assert.InRange(interval.Low, 0.44, 0.46);
        Assert.InRange(interval.High, 0.54, 0.56);
    }

    [Fact]
    public void Intervals_OfUsersWithManyQuestions_AreNotNarrowed()
    {
        // The same users, each asked 50 times with the same answer: nothing new is known.
        var users = Enumerable.Range(0, 20_000).Select(q => q / 50).ToArray();
        double[] values = [.. users.Select(u => u % 2.0)];

        var interval = Assert.Single(new Bootstrap(users, 1_000, seed: 3).Intervals([values]));

        Assert.InRange(interval.High - interval.Low, 0.08, 0.12);
    }

    [Fact]
    public void Intervals_SameSeed_AreTheSame_AndQuestionsWithoutValueDoNotCount()
    {
        int[] users = [0, 1, 1, 2, 5];
        double[] values = [1, 0, double.NaN, 1, 0];

        var first = new Bootstrap(users, 500, seed: 1).Intervals([values, [.. values.Select(_ => double.NaN)]]);

        Assert.Equal(first, new Bootstrap(users, 500, seed: 1).Intervals([values, [.. values.Select(_ => double.NaN)]]));
        Assert.NotEqual(first[0], new Bootstrap(users, 7, seed: 2).Intervals([values])[0]);
        Assert.Equal((0, 1), first[0]);
        Assert.Equal((double.NaN, double.NaN), first[1]);
    }

    [Fact]
    public void Compare_SmallSteadyDifference_IsSeenWhereTheIntervalsOverlap()
    {
        var random = new Random(5);
        double[] second = [.. Enumerable.Range(0, 300).Select(_ => random.NextDouble())];
        var (a, b) = (Report([.. second.Select((v, q) => q < 3 ? v : q < 10 ? v - 0.01 : v + 0.01)]), Report(second));

        var row = Assert.Single(PairedComparison.Of(a, b, 1_000, seed: 1));

        Assert.Equal(((0.01 * 290) - (0.01 * 7)) / 300, row.Difference, 12);
        Assert.Equal((290, 7, 3), (row.Wins, row.Losses, row.Ties));
        Assert.InRange(row.Low, 0.008, row.Difference);
        Assert.InRange(row.High, row.Difference, 0.011);
        var alone = new Bootstrap(b.Users, 1_000, 1).Intervals([second])[0];
        Assert.True(alone.High - alone.Low > 10 * (row.High - row.Low));
    }

    [Fact]
    public void Compare_OtherQuestions_IsRefused() =>
        Assert.Throws<ArgumentException>(() => PairedComparison.Of(Report([1, 2]), Report([1]), 10, 1));

    private static RankingReport Report(double[] values) =>
        new([.. values.Select((_, q) => new HeldOut(q, 1, new[] { 1 }))], [], 0, [Metric.MeanOf("m", values)]);
}
