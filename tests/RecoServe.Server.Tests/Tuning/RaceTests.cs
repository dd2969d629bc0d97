using RecoServe.Server.Tuning;

namespace RecoServe.Server.Tests.Tuning;

public sealed class RaceTests
{
    private static readonly TimeSpan Goal = TimeSpan.FromMilliseconds(10);

    /// <summary>Runners that queue: at their capacity the p99 is without bound.</summary>
    /// <param name="Capacity">Calls a second.</param>
    /// <param name="Base">The p99 without load, ms.</param>
    private sealed record Queueing(double Capacity, double Base)
    {
        /// <summary>The highest rate with a p99 of <see cref="Goal"/>.</summary>
        internal double Holds => Math.Max(0, Capacity * (1 - (Base / Goal.TotalMilliseconds)));

        internal TimeSpan Tail(double rate) =>
            rate >= Capacity ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(Base / (1 - (rate / Capacity)));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(50)]
    [InlineData(100_000)]
    public async Task Run_AnyField_PicksWithinTheResolutionOfTheBest(double firstRate)
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var field = Enumerable.Range(0, 20).Select(_ => new Queueing(500 + (5000 * random.NextDouble()), 0.5 + (6 * random.NextDouble()))).ToArray();
            var result = await new Race<Queueing>((r, rate) => Task.FromResult(r.Tail(rate)), Goal, (_, _) => { }).RunAsync(field, firstRate);
            Assert.NotNull(result);
            var best = field.Max(r => r.Holds);
            Assert.True(result.Winner.Who.Holds >= best / Race<Queueing>.Resolution, $"seed {seed}: {result.Winner.Who.Holds} of {best}");
            Assert.InRange(result.Rate, best / Race<Queueing>.Resolution, best);
            Assert.Equal(result.Winner.Who.Tail(result.Rate), result.Winner.Tail);
        }
    }

    [Fact]
    public async Task Run_BadMomentOfTheMachine_DoesNotDecide()
    {
        var (best, other) = (new Queueing(4000, 1), new Queueing(2000, 1));
        var misses = 0;
        // The best misses every other measurement, for no reason of its own.
        var result = await new Race<Queueing>(
            (r, rate) => Task.FromResult(r == best && misses++ % 2 == 0 ? TimeSpan.FromSeconds(1) : r.Tail(rate)), Goal, (_, _) => { })
            .RunAsync([best, other], 500);
        Assert.Equal(best, result!.Winner.Who);
    }

    [Fact]
    public async Task Run_NobodyHoldsTheGoal_SaysSo()
    {
        var rates = new List<double>();
        var result = await new Race<Queueing>((r, rate) => Task.FromResult(r.Tail(rate)), Goal, (rate, _) => rates.Add(rate))
            .RunAsync([new Queueing(1000, 20)], 512);
        Assert.Null(result);
        Assert.Equal([512, 256, 128, 64, 32, 16, 8, 4], rates);
    }

    [Fact]
    public async Task Run_WhoMissed_IsNotAskedAgain()
    {
        var asked = new List<(Queueing Who, double Rate)>();
        var (slow, quick) = (new Queueing(1000, 1), new Queueing(8000, 1));
        await new Race<Queueing>(
            (r, rate) =>
            {
                asked.Add((r, rate));
                return Task.FromResult(r.Tail(rate));
            },
            Goal,
            (_, _) => { }).RunAsync([slow, quick], 800);
        Assert.Equal([800, 1200, 1200], asked.Where(a => a.Who == slow).Select(a => a.Rate));
    }
}
