using RecoServe.Engine.Batching;

namespace RecoServe.Engine.Tests.Batching;

public sealed class BatchCostTests
{
    [Fact]
    public void Of_NothingMeasured_IsZero() => Assert.Equal(TimeSpan.Zero, new BatchCost().Of(8, 50));

    [Fact]
    public void Of_LinearBatches_IsFoundWithNoise()
    {
        var (cost, random) = (new BatchCost(), new Random(1));
        for (var i = 0; i < 500; i++)
        {
            var (rows, length) = (random.Next(1, 65), random.Next(1, 51));
            cost.Learn(rows, length, True(rows, length) * (0.9 + (0.2 * random.NextDouble())));
        }

        foreach (var (rows, length) in new[] { (1, 1), (1, 50), (64, 1), (64, 50), (20, 20) })
            Assert.InRange(cost.Of(rows, length) / True(rows, length), 0.85, 1.15);
    }

    [Fact]
    public void Of_OneLengthOnlySinceTheVersionServes_StillKnowsWhatACellCosts()
    {
        var cost = Calibrated();
        for (var i = 0; i < 5000; i++)
            cost.Learn((i % 64) + 1, 10, True((i % 64) + 1, 10));
        Assert.InRange(cost.Of(64, 50) / True(64, 50), 0.8, 1.2);
        Assert.InRange(cost.Of(64, 1) / True(64, 1), 0.7, 1.3);
    }

    [Fact]
    public void Of_MachineSlower_FollowsWithinFewBatches()
    {
        var cost = Calibrated();
        for (var i = 0; i < 100; i++)
            cost.Learn(16, 20, True(16, 20));
        for (var i = 0; i < 25; i++)
            cost.Learn(16, 20, True(16, 20) * 3);
        Assert.InRange(cost.Of(64, 50) / True(64, 50), 2, 3.5);
        for (var i = 0; i < 400; i++)
            cost.Learn(16, 20, True(16, 20));
        Assert.InRange(cost.Of(64, 50) / True(64, 50), 0.8, 1.2);
    }

    [Fact]
    public void Of_OneStall_HardlyMoves()
    {
        var cost = Calibrated();
        for (var i = 0; i < 100; i++)
            cost.Learn((i % 64) + 1, 20, True((i % 64) + 1, 20));
        cost.Learn(16, 20, TimeSpan.FromSeconds(5));
        for (var i = 0; i < 20; i++)
            cost.Learn((i % 64) + 1, 20, True((i % 64) + 1, 20));
        Assert.InRange(cost.Of(16, 20) / True(16, 20), 0.8, 1.3);
    }

    [Fact]
    public void Of_AnyMeasurements_IsNeverNegativeAndGrows()
    {
        var (cost, random) = (new BatchCost(), new Random(2));
        for (var i = 0; i < 3000; i++)
        {
            cost.Learn(random.Next(1, 65), random.Next(1, 51), TimeSpan.FromMicroseconds(Math.Exp(10 * random.NextDouble())));
            Assert.True(cost.Of(1, 1) >= TimeSpan.Zero);
            Assert.True(cost.Of(64, 1) >= cost.Of(1, 1));
            Assert.True(cost.Of(64, 50) >= cost.Of(64, 1));
        }
    }

    private static BatchCost Calibrated()
    {
        var cost = new BatchCost();
        foreach (var rows in (int[])[1, 2, 4, 8, 16, 32, 64])
        {
            foreach (var length in (int[])[2, 51])
                cost.Calibrate(rows, length, True(rows, length));
        }

        return cost;
    }

    private static TimeSpan True(int rows, int length) => TimeSpan.FromMicroseconds(80 + (12 * rows) + (1.5 * rows * length));
}
