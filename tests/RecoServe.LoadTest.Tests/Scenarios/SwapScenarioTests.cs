using RecoServe.LoadTest.Scenarios;

namespace RecoServe.LoadTest.Tests.Scenarios;

public sealed class SwapScenarioTests
{
    [Theory]
    [InlineData(200, 5, "40 40 40 40 40")]
    [InlineData(200, 3, "67 67 66")]
    [InlineData(1, 2, "1 1")]
    public void SwapsOf_RoundsThatDoNotDivideThem_MakeAllTheSame(int swaps, int rounds, string expected)
    {
        var options = new LoadOptions { Swaps = swaps, Rounds = rounds };
        Assert.Equal(expected, string.Join(' ', Enumerable.Range(0, rounds).Select(round => SwapScenario.SwapsOf(options, round))));
    }
}
