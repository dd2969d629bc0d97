namespace RecoServe.LoadTest.Tests;

public sealed class ServingGoalsTests
{
    public static TheoryData<string> Rows => [.. ServingGoals.All.Select(r => r.Row)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void With_BeyondTheGate_Fails(string name)
    {
        var row = ServingGoals.All.Single(r => r.Row == name);
        var step = row.Gate == 0 ? 1 : row.Gate / 1000;
        Assert.True(row.With(row.Gate).Holds);
        Assert.False(row.With(row.Least ? row.Gate - step : row.Gate + step).Holds);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void With_NoNumber_IsNoValueAndFails(double value)
    {
        foreach (var row in ServingGoals.All)
        {
            var goal = row.With(value);
            Assert.Null(goal.Value);
            Assert.False(goal.Holds);
            Assert.Equal($"the figure came out as {value}", goal.Why);
        }
    }
}
