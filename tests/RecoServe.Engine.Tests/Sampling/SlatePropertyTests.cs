using CsCheck;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>What holds of every slate, whatever the row; checked without the reference.</summary>
public sealed class SlatePropertyTests
{
    private static readonly Gen<float> Logit = Gen.Frequency(
        (6, Gen.Float[-8, 8]), (2, Gen.Int[-3, 3].Select(i => (float)i)), (1, Gen.Const(float.NegativeInfinity)), (1, Gen.Float[-1000, 1000]));

    private static readonly Gen<SamplingParameters> Parameters = Gen.Select(
        Gen.Enum<SamplingStrategy>(), Gen.OneOf(Gen.Double[1e-9, 1], Gen.Const(1.0)), Gen.Double[-3, 3], Gen.Int[0, 40], Gen.ULong,
        (strategy, topP, logTemperature, topK, seed) => new SamplingParameters
        {
            Strategy = strategy,
            TopP = topP,
            Temperature = Math.Pow(10, logTemperature),
            TopK = topK,
            Seed = seed,
        });

    private static readonly Gen<(float[] Row, bool[] Excluded, SamplingParameters Parameters, int SlotCount)> Case =
        Gen.Select(Logit.Array[0, 80], Gen.Bool.Array[81], Parameters, Gen.Int[0, 90],
            (logits, excluded, parameters, slotCount) => (Rows.Of(logits), excluded, parameters, slotCount));

    [Fact]
    public void Slate_AnyRow_KeepsTheContract() =>
        Case.Sample(
            c =>
            {
                using var mask = MaskOf(c.Row, c.Excluded);
                var slots = SlateAssert.Sample(c.Row, c.Parameters, c.SlotCount, out var summary, mask);
                var eligible = Enumerable.Range(1, c.Row.Length - 1).Count(i => !c.Excluded[i] && c.Row[i] > float.NegativeInfinity);
                var window = c.Parameters.TopK > 0 ? Math.Min(c.Parameters.TopK, eligible) : eligible;
                Assert.Equal(Math.Min(c.SlotCount, window), slots.Length);
                Assert.Equal(slots.Length, slots.DistinctBy(s => s.Item).Count());
                Assert.InRange(slots.Sum(s => s.Probability), 0, 1 + 1e-12);
                Assert.InRange(summary.NucleusMass, 0, 1);
                Assert.InRange(summary.NucleusSize, Math.Min(1, slots.Length), window);
                Assert.All(slots, s => Assert.True(!c.Excluded[s.Item] && s.Item > 0 && s.Logit == c.Row[s.Item] && s.Logit > float.NegativeInfinity));
                Assert.All(slots, s => Assert.True(s.Propensity is > 0 and <= 1 && s.Probability is >= 0 and <= 1));
            },
            iter: 3000, threads: 1);

    [Fact]
    public void Slate_GreedyFill_ComesOnlyAfterTheNucleusInRankOrder() =>
        Case.Sample(
            c =>
            {
                using var mask = MaskOf(c.Row, c.Excluded);
                var parameters = c.Parameters with { Strategy = SamplingStrategy.Nucleus };
                var slots = SlateAssert.Sample(c.Row, parameters, c.SlotCount, out var summary, mask);
                var drawn = Math.Min(slots.Length, summary.NucleusSize);
                Assert.All(slots[..drawn], s => Assert.False(s.GreedyFill));
                Assert.All(slots[drawn..], s => Assert.True(s is { GreedyFill: true, Propensity: 1 }));
                var ranks = slots[drawn..].Select(s => (-s.Logit, s.Item)).ToArray();
                Assert.Equal(ranks.Order(), ranks);
                if (drawn < slots.Length)
                    Assert.True(slots[..drawn].Max(s => (-s.Logit, s.Item)).CompareTo(ranks[0]) < 0);
            },
            iter: 3000, threads: 1);

    [Fact]
    public void Slate_MaskOrMinusInfinity_IsTheSame() =>
        Case.Sample(
            c =>
            {
                using var mask = MaskOf(c.Row, c.Excluded);
                var masked = c.Row.Select((logit, i) => c.Excluded[i] ? float.NegativeInfinity : logit).ToArray();
                var expected = SlateAssert.Sample(masked, c.Parameters, c.SlotCount, out var expectedSummary);
                Assert.Equal(expected, SlateAssert.Sample(c.Row, c.Parameters, c.SlotCount, out var summary, mask));
                Assert.Equal(expectedSummary, summary);
            },
            iter: 3000, threads: 1);

    [Fact]
    public void Nucleus_LargerP_ContainsTheSmaller() =>
        Gen.Select(Case, Gen.Double[0.01, 1]).Sample(
            (c, factor) =>
            {
                var large = c.Parameters with { Strategy = SamplingStrategy.Nucleus };
                var small = large with { TopP = large.TopP * factor };
                var outer = SlateAssert.Sample(c.Row, large, c.Row.Length).Where(s => !s.GreedyFill).Select(s => s.Item);
                var inner = SlateAssert.Sample(c.Row, small, c.Row.Length).Where(s => !s.GreedyFill).Select(s => s.Item);
                Assert.Empty(inner.Except(outer));
            },
            iter: 1500, threads: 1);

    private static ItemMask MaskOf(float[] row, bool[] excluded)
    {
        var mask = ItemMask.Rent(row.Length - 1);
        mask.Exclude([.. Enumerable.Range(0, row.Length).Where(i => excluded[i])]);
        return mask;
    }
}
