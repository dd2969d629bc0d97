using CsCheck;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class LeakCheckTests
{
    private readonly WatchLog _log = Logs.Timed(9, [(1, 1), (2, 5), (3, 6), (4, 8)], [(5, 2), (6, 7), (7, 9)]);

    [Fact]
    public void Find_TargetAmongTheTrainingEvents_IsALeak() => Assert.Equal(
        "user \"u0\": the first 4 events are for training, and event 4 among them is a target of the test",
        LeakCheck.Find(Planted([4, 1], [Asked(0, 3, 4)]), SplitPart.Test));

    [Fact]
    public void Find_HistoryLaterThanTheQuestion_IsALeak()
    {
        WatchLog Log(int[]? testEvents) => Logs.Of(9, [[1, 2, 3]], [86_400_000, 7 * 86_400_000, 3 * 86_400_000], testEvents, null);

        Assert.Equal(
            "user \"u0\": the history of the question at event 3 of 1970-01-04 has a watch of 1970-01-08",
            LeakCheck.Find(new EvaluationSplit(Log(null), "planted", [1], [], [Asked(0, 2, 3)]), SplitPart.Test));
        Assert.Null(LeakCheck.Find(new EvaluationSplit(Log([1]), "planted", [1], [], [Asked(0, 2, 3)]), SplitPart.Test));
        Assert.Null(LeakCheck.Find(new EvaluationSplit(Log(null), "planted", [1], [], [Asked(0, 1, 2)]), SplitPart.Test));
    }

    [Fact]
    public void Find_TrainingEventOfAnotherUserInTheTestPeriod_IsALeak()
    {
        var split = Planted([2, 3], [Asked(0, 3, 4)], testFrom: 8);

        Assert.Equal("user \"u1\": event 3 of 1970-01-10 is for training, and the test begins 1970-01-09", LeakCheck.Find(split, SplitPart.Test));
        Assert.Null(LeakCheck.Find(Planted([2, 2], [Asked(0, 3, 4)], testFrom: 8), SplitPart.Test));
    }

    [Fact]
    public void Find_TargetBeforeItsPeriod_IsALeak() => Assert.StartsWith(
        "user \"u0\": event 3 is a target of the test, and earlier than its period",
        LeakCheck.Find(Planted([2, 1], [Asked(0, 2, 3)], testFrom: 8), SplitPart.Test)!,
        StringComparison.Ordinal);

    [Fact]
    public void Find_TargetThatIsNoLaterEvent_IsALeak() => Assert.Equal(
        "user \"u0\": target \"2\" is no event from 4 on", LeakCheck.Find(Planted([1, 1], [Asked(0, 3, 2)]), SplitPart.Test));

    [Fact]
    public void FindLearned_DisplayThatLedToATarget_IsALeak()
    {
        var log = _log.With(new FeedbackLog([0, 4, 4], [0, 2, 2, 2], [1, 3, 4, 9], [1, 1, 1, 1], null, null, [[0, 0, 0, 0]]));
        var split = new EvaluationSplit(log, "planted", [3, 1], [], [Asked(0, 3, 4)]);

        Assert.Equal(
            "user \"u0\": a display of \"4\" after 2 events is learned, and led to a target of the test",
            LeakCheck.FindLearned(split, SplitPart.Test, (user, watches) => log.Feedback!.RowsOf(user).Between(0, watches)));
        Assert.Null(LeakCheck.FindLearned(split, SplitPart.Validation, (user, watches) => log.Feedback!.RowsOf(user).Between(0, watches)));
        Assert.Null(LeakCheck.Find(split, SplitPart.Test));
    }

    [Fact]
    public void Evaluate_PlantedLeak_IsRefusedUnlessAllowed()
    {
        var split = Planted([4, 1], [Asked(0, 3, 4)]);
        var scorer = Baselines.ByName["pop"](split);

        var error = Assert.Throws<DataException>(() => FullRanking.Evaluate(split, SplitPart.Test, scorer, cancellationToken: TestContext.Current.CancellationToken));
        Assert.StartsWith("the split leaks: user \"u0\"", error.Message, StringComparison.Ordinal);
        var report = FullRanking.Evaluate(
            split, SplitPart.Test, scorer, RankingOptions.Default with { AllowLeaks = true }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.NotNull(report.Leak);
    }

    [Fact]
    public void CountAfterFirstTarget_OfLeaveOneOut_SaysHowMuchFutureWasSeen()
    {
        var split = new LeaveOneOutSplit(Logs.Timed(9, [(1, 1), (2, 2), (3, 3)], [(4, 1), (5, 4), (6, 5), (7, 6), (8, 7)]));

        Assert.Null(LeakCheck.Find(split, SplitPart.Test));
        Assert.Equal(2, LeakCheck.CountAfterFirstTarget(split, SplitPart.Test));
        Assert.Equal(0, LeakCheck.CountAfterFirstTarget(new LeaveOneOutSplit(Logs.Of(3, [1, 2, 3])), SplitPart.Test));
    }

    [Fact]
    public void Find_EverySplitByTimeOfAnyLog_IsFreeOfLeaks() => Gen.Select(Gen.Int[0, 30].Array[1, 12].Array[1, 8], Gen.Double[0.05, 0.95], Gen.Enum<TargetRule>()).Sample((days, at, rule) =>
    {
        var log = Logs.Timed(31, [.. days.Select(d => d.Order().Select(day => (day + 1, day)).ToArray())]);
        TimeSplit split;
        try
        {
            split = TimeSplit.Of(log, null, SplitPoint.AtFraction(at), rule);
        }
        catch (DataException)
        {
            return;
        }

        Assert.Null(LeakCheck.Find(split, SplitPart.Validation));
        Assert.Null(LeakCheck.Find(split, SplitPart.Test));
        Assert.Null(LeakCheck.Find(split.TrainedOn("", split.LengthsBeforeTest()), SplitPart.Test));
    });

    private EvaluationSplit Planted(int[] lengths, HeldOut[] test, int? testFrom = null) =>
        new(_log, "planted", lengths, [], test) { TestFrom = testFrom * 86_400_000L };

    private static HeldOut Asked(int user, int position, int item) => new(user, position, new[] { item });
}
