using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>Nucleus and slate are, item for item, those of the full-sort reference.</summary>
public sealed class NucleusReferenceTests
{
    private static readonly double[] TopPs = [1e-13, 1e-9, 0.1, 0.5, 0.9, 0.99, 0.999, 1];
    private static readonly double[] Temperatures = [1, 1, 0.3, 3, 1e-3, 1e3];

    public static TheoryData<string> Kinds => [.. Rows.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Sample_RandomRows_EqualsReference(string kind)
    {
        var random = new Random(Array.IndexOf(Rows.Kinds, kind));
        for (var repeat = 0; repeat < 100; repeat++)
        {
            var items = random.Next(1, random.Next(2) == 0 ? 300 : 1500);
            var row = Rows.Make(kind, items, random.Next());
            using var mask = RandomMask(random, items);
            foreach (var topP in TopPs)
            {
                var parameters = new SamplingParameters
                {
                    TopP = topP,
                    Temperature = Temperatures[random.Next(Temperatures.Length)],
                    TopK = random.Next(3) == 0 ? random.Next(1, items + 3) : 0,
                    Seed = (ulong)random.NextInt64(),
                    Strategy = (SamplingStrategy)(random.Next(8) switch { 0 => 1, 1 => 2, _ => 0 }),
                };
                SlateAssert.MatchesReference(row, parameters, random.Next(10) == 0 ? items + 2 : random.Next(0, 12), mask);
            }
        }
    }

    [Fact]
    public void Sample_EveryLength_EqualsReference()
    {
        for (var items = 0; items <= 256; items++)
        {
            foreach (var kind in new[] { "gauss3", "bf16", "equal", "holes" })
            {
                foreach (var topP in new[] { 0.1, 0.9, 1 })
                    SlateAssert.MatchesReference(Rows.Make(kind, items, items), new() { TopP = topP, Seed = (ulong)items }, 10);
            }
        }
    }

    [Theory]
    [InlineData("gauss1", 100_000)]
    [InlineData("zipf", 100_000)]
    [InlineData("bf16", 100_000)]
    [InlineData("few", 100_000)]
    [InlineData("spiky", 100_000)]
    [InlineData("mixture", 1_000_003)]
    public void Sample_LargeCatalogue_EqualsReference(string kind, int items)
    {
        var row = Rows.Make(kind, items, 7);
        SlateAssert.MatchesReference(row, new() { TopP = 0.9, Seed = 1 }, 5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Sample_SlateOf500OverManyBlocks_EqualsReference(ulong seed) =>
        SlateAssert.MatchesReference(Rows.Make("gauss3", 9_000, 3), new() { TopP = 0.999, Seed = seed }, 500);

    [Fact]
    public void Sample_MillionEqualItems_CutsExactlyAtTheThreshold()
    {
        var row = Rows.Make("equal", 1_000_000, 0);
        foreach (var size in new[] { 1, 300_000, 999_999, 1_000_000 })
        {
            _ = SlateAssert.Sample(row, new() { TopP = size / 1e6 }, 1, out var summary);
            Assert.Equal(size, summary.NucleusSize);
            Assert.Equal(size / 1e6, summary.NucleusMass, 1e-13);
        }
    }

    [Fact]
    public void Sample_MillionItemsOfTwoWeights_MassDoesNotDrift()
    {
        // 500,000 items of weight 1, then as many of weight e^-0.7: a sum in single precision, or a plain one, would drift.
        var row = Rows.Make("equal", 1_000_000, 0);
        for (var i = 1; i < row.Length; i += 2)
            row[i] -= 0.75f;
        var low = Math.Exp(-0.75);
        foreach (var lows in new[] { 1, 1_000, 123_456, 499_999 })
        {
            var topP = (500_000 + (lows * low)) / (500_000 * (1 + low));
            _ = SlateAssert.Sample(row, new() { TopP = topP }, 1, out var summary);
            Assert.Equal(500_000 + lows, summary.NucleusSize);
            Assert.Equal(topP, summary.NucleusMass, 1e-13);
        }
    }

    private static ItemMask? RandomMask(Random random, int items)
    {
        if (random.Next(2) == 0)
            return null;
        var mask = ItemMask.Rent(items);
        var share = random.Next(3) switch { 0 => 0.3, 1 => 0.95, _ => 0.05 };
        for (var i = 0; i <= items; i++)
        {
            if (random.NextDouble() < share)
                mask.Exclude(i);
        }

        return mask;
    }
}
