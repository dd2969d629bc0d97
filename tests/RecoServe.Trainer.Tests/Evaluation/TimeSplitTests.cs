using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class TimeSplitTests
{
    private readonly WatchLog _log = Logs.Timed(
        9, [(1, 1), (2, 5), (3, 6), (4, 8), (2, 9), (5, 9)], [(1, 2), (6, 3)], [(7, 8), (8, 9)], [(9, 9)]);

    [Fact]
    public void Of_Dates_CutsEveryUserAtTheSameTimes()
    {
        var split = Split("1970-01-06", "1970-01-09", TargetRule.Every);

        Assert.Equal([1, 2, 0, 0], Enumerable.Range(0, 4).Select(split.TrainingLengthOf));
        Assert.Equal([(0, 1), (0, 2)], Asked(split, SplitPart.Validation));
        Assert.Equal([(0, 3), (0, 4), (0, 5), (2, 1)], Asked(split, SplitPart.Test));
        Assert.Equal([3, 2, 0, 0], split.LengthsBeforeTest());
        Assert.Equal([1, 2, 3, 4], split.QuestionOf(split.HeldOutOf(SplitPart.Test)[1]).History.ToArray());
        Assert.Equal("split by time (validation from 1970-01-06, test from 1970-01-09, every event asked for)", split.Name);
    }

    [Theory]
    [InlineData("First", "0:3=4 2:1=8")]
    [InlineData("Last", "0:5=5 2:1=8")]
    [InlineData("Together", "0:3=4,5 2:1=8")]
    public void Of_Rule_ChoosesThePeriodsTargets(string rule, string expected)
    {
        var split = Split("1970-01-06", "1970-01-09", Enum.Parse<TargetRule>(rule));

        Assert.Equal(expected, string.Join(' ', split.HeldOutOf(SplitPart.Test).Select(q => $"{q.User}:{q.Position}={string.Join(',', q.Items.ToArray())}")));
    }

    [Theory]
    [InlineData("Every")]
    [InlineData("First")]
    [InlineData("Last")]
    [InlineData("Together")]
    public void HeldOutOf_ByIndex_IsAsInOrder(string rule)
    {
        var split = Split("1970-01-06", "1970-01-09", Enum.Parse<TargetRule>(rule));
        foreach (var questions in new[] { split.HeldOutOf(SplitPart.Validation), split.HeldOutOf(SplitPart.Test) })
        {
            Assert.Equal(questions.Select(Text), Enumerable.Range(0, questions.Count).Select(q => Text(questions[q])));
            Assert.Throws<ArgumentOutOfRangeException>(() => questions[questions.Count]);
        }

        static string Text(HeldOut q) => $"{q.User}:{q.Position}={string.Join(',', q.Items.ToArray())}";
    }

    [Fact]
    public void Of_Fractions_AreSharesOfTheEvents()
    {
        // Days in order: 1 2 3 5 6 8 8 9 9 9 9. A share of .7 ends in the middle of day 9, and the whole day is tested.
        var split = TimeSplit.Of(_log, SplitPoint.AtFraction(0.3), SplitPoint.AtFraction(0.7), TargetRule.Every);

        Assert.Equal((5 * 86_400_000L, 9 * 86_400_000L), (split.ValidateFrom, split.TestFrom));
        Assert.Equal((8 * 86_400_000L, 9 * 86_400_000L), TimeSplit.Of(_log, null, null, TargetRule.Every) is var standard ? (standard.ValidateFrom, standard.TestFrom) : default);
    }

    [Theory]
    [InlineData("1970-01-09", "1970-01-09", "--validate-from 1970-01-09 must be before --test-from 1970-01-09")]
    [InlineData("1970-01-01", "1970-01-02", "--test-from 1970-01-02: no event is earlier; the first is of 1970-01-02")]
    public void Of_PeriodsThatCannotBe_AreRefused(string validateFrom, string testFrom, string message) =>
        Assert.Equal(message, Assert.Throws<DataException>(() => Split(validateFrom, testFrom, TargetRule.Every)).Message);

    [Fact]
    public void Of_LogWithoutTimes_IsRefused() =>
        Assert.Throws<DataException>(() => TimeSplit.Of(Logs.Of(2, [1, 2]), null, null, TargetRule.Every));

    [Theory]
    [InlineData("soon")]
    [InlineData("1.5")]
    [InlineData("0")]
    [InlineData("12:00")]
    public void Parse_NeitherDateNorFraction_IsRefused(string text) => Assert.Equal(
        $"--test-from {text}: must be a date, as 2026-01-31 or 2026-01-31T20:15:00Z, or a fraction between 0 and 1",
        Assert.Throws<DataException>(() => SplitPoint.Parse("--test-from", text)).Message);

    [Fact]
    public void RequireTargets_PartWithoutQuestions_IsRefused() => Assert.Contains(
        "no event is a target of the validation",
        Assert.Throws<DataException>(() => Split("1970-01-08", "1970-01-09", TargetRule.Every).RequireTargets()).Message,
        StringComparison.Ordinal);

    [Fact]
    public void GivenSplit_AsksForTheTestDataTogether_AndValidatesOnTheLastKnown()
    {
        var split = new GivenSplit(Logs.Of(9, [[1, 2, 3, 2, 4, 4, 5], [6, 7], [8], [9]], null, [4, 1, 0, 1], null));

        Assert.Equal([2, 1, 1, 0], Enumerable.Range(0, 4).Select(split.TrainingLengthOf));
        Assert.Equal([3, 1, 1, 0], split.LengthsBeforeTest());
        Assert.Equal([(0, 2)], Asked(split, SplitPart.Validation));
        Assert.Equal([(0, 3), (1, 1)], Asked(split, SplitPart.Test));
        Assert.Equal([4, 5], split.HeldOutOf(SplitPart.Test)[0].Items.ToArray());
        Assert.Null(LeakCheck.Find(split, SplitPart.Test));
        Assert.Null(LeakCheck.Find(split, SplitPart.Validation));
    }

    private TimeSplit Split(string validateFrom, string testFrom, TargetRule rule) =>
        TimeSplit.Of(_log, SplitPoint.Parse("--validate-from", validateFrom), SplitPoint.Parse("--test-from", testFrom), rule);

    private static IEnumerable<(int, int)> Asked(EvaluationSplit split, SplitPart part) => split.HeldOutOf(part).Select(q => (q.User, q.Position));
}
