using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadGenerator.Tests.Loops;

public sealed class ArrivalScheduleTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(100);

    [Fact]
    public void Poisson_Gaps_AreExponential()
    {
        var starts = ArrivalSchedule.Poisson(1000, Duration, seed: 1);
        var gaps = starts.Zip(starts.Skip(1), (a, b) => (b - a).TotalSeconds).ToArray();
        // 100,000 gaps: mean and deviation are both 1 ms, their standard errors below 0.5 %.
        Assert.InRange(gaps.Average(), 0.00098, 0.00102);
        Assert.InRange(Math.Sqrt(gaps.Average(g => g * g) - Math.Pow(gaps.Average(), 2)), 0.00098, 0.00102);
        Assert.InRange(gaps.Count(g => g > 0.003) / (double)gaps.Length, Math.Exp(-3) - 0.003, Math.Exp(-3) + 0.003);
    }

    [Fact]
    public void Poisson_Starts_AreWithinTheDurationAndAscend()
    {
        var starts = ArrivalSchedule.Poisson(50, Duration, seed: 2);
        Assert.Equal(starts.Order(), starts);
        Assert.InRange(starts[0], TimeSpan.Zero, Duration);
        Assert.True(starts[^1] < Duration);
    }

    [Fact]
    public void Varying_Rate_IsFollowed()
    {
        var starts = ArrivalSchedule.Varying(at => at < Duration / 2 ? 100 : 400, 400, Duration, seed: 1);
        // 5,000 and 20,000 arrivals; standard deviations 71 and 141.
        Assert.InRange(starts.Count(at => at < Duration / 2), 4700, 5300);
        Assert.InRange(starts.Count(at => at >= Duration / 2), 19400, 20600);
        Assert.Equal(starts.Order(), starts);
    }

    [Fact]
    public void Poisson_Seed_DecidesTheArrivals()
    {
        Assert.Equal(ArrivalSchedule.Poisson(50, Duration, seed: 3), ArrivalSchedule.Poisson(50, Duration, seed: 3));
        Assert.NotEqual(ArrivalSchedule.Poisson(50, Duration, seed: 3), ArrivalSchedule.Poisson(50, Duration, seed: 4));
    }
}
