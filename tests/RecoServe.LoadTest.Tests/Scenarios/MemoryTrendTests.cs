using RecoServe.LoadTest.Scenarios;

namespace RecoServe.LoadTest.Tests.Scenarios;

public sealed class MemoryTrendTests
{
    [Theory]
    [InlineData(0, true)]
    [InlineData(20, false)]
    public void Slope_OfNoisyMemory_IsWithinNoiseUnlessItGrows(double megabytesPerMillion, bool isFlat)
    {
        var (trend, random) = (new MemoryTrend(), new Random(1));
        for (var s = 1; s <= 200; s++)
            trend.Add(s * 5000, (long)(2e8 + (megabytesPerMillion * s * 5000) + (5e6 * random.NextDouble())));
        Assert.InRange(trend.Slope, megabytesPerMillion - 3, megabytesPerMillion + 3);
        Assert.Equal(isFlat, trend.Slope <= trend.Noise);
    }

    /// <summary>What a server allocates while it warms up is not growth.</summary>
    [Fact]
    public void Slope_GrowthInTheFirstTenth_DoesNotCount()
    {
        var trend = new MemoryTrend();
        for (var s = 1; s <= 200; s++)
            trend.Add(s * 5000, 100_000_000 + (Math.Min(s, 20) * 10_000_000));
        Assert.Equal(0, trend.Slope, 6);
    }

    [Fact]
    public void Slope_TooFewSamples_IsNoNumber()
    {
        var trend = new MemoryTrend();
        trend.Add(1, 1);
        Assert.True(double.IsNaN(trend.Slope));
    }
}
