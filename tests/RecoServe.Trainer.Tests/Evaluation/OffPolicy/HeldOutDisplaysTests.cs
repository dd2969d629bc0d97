using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Evaluation.OffPolicy;

namespace RecoServe.Trainer.Tests.Evaluation.OffPolicy;

public sealed class HeldOutDisplaysTests
{
    private const long Day = 86_400_000;

    /// <summary>A watch a day, the first on day 1; validation from day 2, test from day 4.</summary>
    private static readonly WatchLog Watches = Logs.Timed(
        6, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)], [(2, 1), (1, 2), (6, 3), (3, 4), (4, 5)]);

    [Fact]
    public void Rounds_Test_AreTheDisplaysOfItsPeriod_JudgedFromTheWatchesBefore()
    {
        // User 0 is shown one item on days 0, 2 and 5 and two on day 4; user 1 on day 4 what was watched on day 3.
        var log = Shown([5, 1], [0, 2, 4, 4, 5, 4], [3, 4, 5, 6, 6, 6], [0, 1, 1, 0, 0.5f, 0], [0, 2, 4, 4, 5, 4], [1, 1, 1, 2, 1, 1]);
        var rounds = Rounds(log, SplitPart.Test, temperature: 1);

        Assert.Equal([0, 0, 0, 1], rounds.Select(r => r.User));
        Assert.Equal([1, 0, 0.5, 0], rounds.Select(r => r.Reward));
        Assert.Equal([0.5, 0.5, 0.5, 0.5], rounds.Select(r => r.Propensity));

        // The scores are ln of the item, so that probabilities are proportional to it: 5 and 6 are left of user 0, and then 6 alone; 4 and 5 of user 1.
        Assert.Equal([5 / 11.0, 6 / 11.0, 1, 0], rounds.Select(r => r.Probability), Near);
        Assert.Equal([50, 60, 60, 60], rounds.Select(r => r.ShownModel));
        Assert.Equal([(25 + 36) * 10 / 11.0, (25 + 36) * 10 / 11.0, 60, (16 + 25) * 10 / 9.0], rounds.Select(r => r.PolicyModel), Near);
    }

    [Fact]
    public void Rounds_ValidationSlotsAndTemperature_AreAsAsked()
    {
        var log = Shown([4, 0], [2, 2, 3, 4], [3, 4, 4, 6], [1, 0, 1, 0], [2, 2, 3, 5], [1, 2, 1, 1]);
        Assert.Equal([3 / 18.0, 4 / 18.0, 4 / 15.0], Rounds(log, SplitPart.Validation, temperature: 1).Select(r => r.Probability), Near);
        Assert.Equal([3 / 18.0, 4 / 15.0], Rounds(log, SplitPart.Validation, temperature: 1, slots: 1).Select(r => r.Probability), Near);
        Assert.Equal([9 / 86.0, 16 / 77.0], Rounds(log, SplitPart.Validation, temperature: 0.5, slots: 1).Select(r => r.Probability), Near);
        Assert.Equal([60], Rounds(log, SplitPart.Test, temperature: 1).Select(r => r.ShownModel));
    }

    [Fact]
    public void Constructor_SplitByUsersOrNoSlots_IsRefused()
    {
        var log = Shown([1, 0], [2], [3], [1], [2], null);
        var e = Assert.Throws<DataException>(() => new HeldOutDisplays(new LeaveOneOutSplit(log), SplitPart.Test, 0));
        Assert.StartsWith("off-policy estimates need --split time", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<DataException>(() => new HeldOutDisplays(SplitOf(log), SplitPart.Test, 1));
        Assert.StartsWith("--slots 1: the displays have no column slot", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Of the training displays alone: 102 of item 6, of which two are worth 1, and one of item 1 worth 2.</summary>
    [Fact]
    public void ItemRewards_AreShrunkToTheMeanOfTrainingDisplays()
    {
        int[] items = [.. Enumerable.Repeat(6, 102), 1, 5];
        var log = Shown([104, 0], [.. new int[103], 3], items, [1, 1, .. new float[100], 2, 7], new int[104], null);
        var model = ItemRewards.Of(SplitOf(log));
        const double Mean = 4 / 103.0;
        Assert.Equal([(2 + (100 * Mean)) / 101, Mean, Mean, Mean, Mean, (2 + (100 * Mean)) / 202], model[1..], Near);
    }

    private static List<LoggedRound> Rounds(WatchLog log, SplitPart part, double temperature, int slots = 0) =>
        new HeldOutDisplays(SplitOf(log), part, slots).Rounds(new LogOfItem(), temperature, [.. Enumerable.Range(0, 7).Select(i => 10.0 * i)], cancellationToken: TestContext.Current.CancellationToken);

    private static TimeSplit SplitOf(WatchLog log) =>
        TimeSplit.Of(log, SplitPoint.Parse("", "1970-01-03"), SplitPoint.Parse("", "1970-01-05"), TargetRule.Every);

    /// <summary>Displays half a day after the given days, each with propensity ½.</summary>
    private static WatchLog Shown(int[] counts, int[] steps, int[] items, float[] rewards, int[] days, ushort[]? slots) => Watches.With(new FeedbackLog(
        [0, counts[0], counts[0] + counts[1]],
        [.. steps],
        [.. items],
        [.. rewards],
        [.. items.Select(_ => 0.5f)],
        slots is null ? null : [.. slots],
        [[.. items.Select(_ => (ushort)0)]],
        [.. days.Select(day => (day * Day) + (Day / 2))]));

    private static bool Near(double a, double b) => Math.Abs(a - b) < 1e-9;

    private sealed class LogOfItem : IItemScorer
    {
        public int MaxBatch => 2;

        public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
        {
            for (var cell = 0; cell < scores.Length; cell++)
                scores[cell] = Math.Log(cell % 7);
        }
    }
}
