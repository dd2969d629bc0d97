using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>What holds of every slate of a long row, whatever its shape.</summary>
public sealed class LongRowPropertyTests(ITestOutputHelper output)
{
    [Fact]
    public void Slate_AnyLongRow_KeepsTheContract() =>
        Fuzzing.Check(RowCase.Of(NucleusSampler.ShortRow + 1, 20_000), 300, output, c =>
        {
            using var mask = c.Shape.MakeMask();
            CheckSlate(c.Shape.MakeRow(), mask, c.Parameters, c.SlotCount);
        });

    /// <summary>Samples of more than the fewest pieces, more blocks than are listed at once or kept for draws.</summary>
    [Fact]
    public void Slate_AnyVeryLongRow_KeepsTheContract() =>
        Fuzzing.Check(RowCase.Of(20_001, 400_000), 10, output, c =>
        {
            using var mask = c.Shape.MakeMask();
            CheckSlate(c.Shape.MakeRow(), mask, c.Parameters, c.SlotCount);
        });

    [Theory]
    [InlineData(2048, 0.5f, 1e-9, 2)] // fill, after a sample of nothing but ties
    [InlineData(17, 100, 0.9, 1)] // weights that overflow next to such a sample
    public void Slate_OneItemAboveTies_KeepsTheContract(int item, float height, double topP, int slotCount)
    {
        var row = Rows.Make("equal", 2048, 0);
        row[item] += height;
        CheckSlate(row, null, new() { TopP = topP }, slotCount);
    }

    [Fact]
    public void Slate_NucleusEndsBeforeTheListThatIsSearchedNext_KeepsTheContract()
    {
        // Descending, so that the sample misses the largest; the heaviest item's weight is within the sums' error of p.
        var shape = new RowShape("holes", 3261, 921651, 0.25f, 0, 10, -1, 1000, 4.038E-25, 0.1, 0.5);
        using var mask = shape.MakeMask();
        CheckSlate(shape.MakeRow(), mask, new() { TopP = 0.9999999801236108, Temperature = 0.001, Seed = 190 }, 12);
    }

    [Theory] // the nucleus ends among items that are lighter than the error of the heaviest
    [InlineData("spiky", 18245, 92214, 0, 0, 0, 0.1, 4.183e-64, 0, 0.9999999980864926)]
    [InlineData("wide", 2385, 253164, 2, 0, -1, 0, 1.996e-60, 0.5, 0.9999999975747766)]
    [InlineData("wide", 3969, 564430, 0.01f, 30, 1, 0, 0, 0, 0.9999999999999979)]
    public void Slate_NucleusEndsInALightTail_KeepsTheContract(
        string kind, int items, int seed, float step, int outliers, int sign, double hole, double holeStart, double masked, double topP)
    {
        var shape = new RowShape(kind, items, seed, step, outliers, outliers > 0 ? 10 : 3, sign, outliers > 0 ? -1000 : 0, holeStart, hole, masked);
        using var mask = shape.MakeMask();
        CheckSlate(shape.MakeRow(), mask, new() { TopP = topP, Seed = 63743 }, 4);
    }

    [Fact]
    public void Slate_HeaviestItemsRoundOthersOff_KeepsTheContract()
    {
        // The nucleus ends among the few that are listed, in whose sum the heaviest leave an error larger than what is missing to p.
        var shape = new RowShape("wide", 10319, 487267, 0.25f, 0, 500, 0, 30, 0.5893652150577475, 0.1, 0);
        CheckSlate(shape.MakeRow(), null, new() { TopP = 0.9999999070058394 }, 1);
    }

    private static void CheckSlate(float[] row, ItemMask? mask, in SamplingParameters parameters, int slotCount)
    {
        var slots = SlateAssert.Sample(row, parameters, slotCount, out var summary, mask);
        new SlateOracle(row, mask, parameters).Check(slots, summary, slotCount);
        Assert.Equal(slots, SlateAssert.Sample(row, parameters, slotCount, out var again, mask));
        Assert.Equal(summary, again);
    }
}
