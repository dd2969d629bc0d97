using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>A million slates against the exact Plackett–Luce law of every ordered slate.</summary>
public sealed class SlateLawTests
{
    private const int Draws = 1_000_000;

    private static readonly float[] Row = Rows.Of(1.0f, 0.3f, -0.5f, 2.0f, 0.3f, -1.5f);

    [Theory]
    [InlineData(SamplingStrategy.Full, 1, 0, 1, 3)] // 120 slates
    [InlineData(SamplingStrategy.Nucleus, 0.9, 0, 0.7, 2)]
    [InlineData(SamplingStrategy.Nucleus, 0.8, 0, 1, 5)] // the last slots are greedy fill
    [InlineData(SamplingStrategy.Nucleus, 0.95, 4, 1.5, 4)]
    [InlineData(SamplingStrategy.Full, 1, 4, 0.25, 6)]
    public void Slates_OfManySeeds_FollowTheExactLaw(SamplingStrategy strategy, double topP, int topK, double temperature, int slotCount)
    {
        var parameters = new SamplingParameters { Strategy = strategy, TopP = topP, TopK = topK, Temperature = temperature };
        var law = new ReferenceSampler(Row, _ => false, parameters).SlateLaw(slotCount);
        var counts = new int[(int)Math.Pow(10, slotCount)];
        var slots = new SlateSlot[slotCount];
        for (ulong seed = 0; seed < Draws; seed++)
        {
            var summary = NucleusSampler.Sample(Row, null, parameters with { Seed = seed * 0x9E3779B97F4A7C15 }, slots);
            var slate = 0;
            foreach (var slot in slots.AsSpan(0, summary.Count))
                slate = (10 * slate) + slot.Item;
            counts[slate]++;
            if (seed < 2000) // the product of the propensities is the law itself
                SlateAssert.EqualRelative(law[slate], slots[..summary.Count].Aggregate(1.0, (p, s) => p * s.Propensity));
        }

        SlateAssert.FollowsLaw(law, counts.Index().Where(c => c.Item > 0).ToDictionary(c => c.Index, c => c.Item));
    }

    [Fact]
    public void Slates_OfConsecutiveSeeds_IncludeItemsAsTheLawSays()
    {
        var parameters = new SamplingParameters { TopP = 1 };
        var law = new ReferenceSampler(Row, _ => false, parameters).SlateLaw(2);
        var slots = new SlateSlot[2];
        var included = new int[Row.Length];
        for (ulong seed = 0; seed < Draws; seed++)
        {
            _ = NucleusSampler.Sample(Row, null, parameters with { Seed = seed }, slots);
            included[slots[0].Item]++;
            included[slots[1].Item]++;
        }

        for (var item = 1; item < Row.Length; item++)
        {
            var expected = law.Where(slate => slate.Key / 10 == item || slate.Key % 10 == item).Sum(slate => slate.Value);
            Assert.Equal(expected, (double)included[item] / Draws, 4.5 * Math.Sqrt(expected * (1 - expected) / Draws));
        }
    }

    [Fact]
    public void Propensity_OfAnItemAfterAnother_IsItsFrequencyThere()
    {
        var parameters = new SamplingParameters { TopP = 1, Temperature = 1.3 };
        var slots = new SlateSlot[2];
        var seen = new Dictionary<(int First, int Second), (double Propensity, int Count)>();
        for (ulong seed = 0; seed < Draws; seed++)
        {
            _ = NucleusSampler.Sample(Row, null, parameters with { Seed = seed }, slots);
            var pair = (slots[0].Item, slots[1].Item);
            var before = seen.GetValueOrDefault(pair, (slots[1].Propensity, 0));
            Assert.Equal(before.Item1, slots[1].Propensity);
            seen[pair] = (before.Item1, before.Item2 + 1);
        }

        foreach (var group in seen.GroupBy(pair => pair.Key.First))
        {
            var total = group.Sum(pair => pair.Value.Count);
            Assert.Equal(1, group.Sum(pair => pair.Value.Propensity), 1e-12);
            foreach (var (_, (propensity, count)) in group)
                Assert.Equal(propensity, (double)count / total, 4.5 * Math.Sqrt(propensity * (1 - propensity) / total));
        }
    }

    [Fact]
    public void RareItems_AreDrawnAsOftenAsTheyShould()
    {
        // Together the 30 rare items have a probability of 1e-3, at both ends of the index order: the tails of the uniform.
        var row = Rows.OfProbabilities([.. Enumerable.Repeat(1e-3 / 30, 15), 0.999, .. Enumerable.Repeat(1e-3 / 30, 15)]);
        var slots = new SlateSlot[1];
        int low = 0, high = 0;
        for (ulong seed = 0; seed < Draws; seed++)
        {
            _ = NucleusSampler.Sample(row, null, new() { TopP = 1, Seed = seed }, slots);
            low += slots[0].Item < 16 ? 1 : 0;
            high += slots[0].Item > 16 ? 1 : 0;
        }

        Assert.Equal(Draws * 5e-4, low, 4.5 * Math.Sqrt(Draws * 5e-4));
        Assert.Equal(Draws * 5e-4, high, 4.5 * Math.Sqrt(Draws * 5e-4));
    }

    [Fact]
    public void SecondDraw_OverManyBlocks_IsUniformOverTheEqualItemsLeft()
    {
        // 5,000 equal items in five blocks: counts by block of the second and third slot.
        var row = Rows.Make("equal", 5_000, 0);
        var slots = new SlateSlot[3];
        var counts = new Dictionary<int, int>();
        var law = Enumerable.Range(0, 25).ToDictionary(i => i, _ => 1 / 25.0);
        for (ulong seed = 0; seed < 3_000; seed++)
        {
            _ = NucleusSampler.Sample(row, null, new() { TopP = 1, Seed = seed }, slots);
            Assert.Equal(3, slots.DistinctBy(s => s.Item).Count());
            Assert.Equal([1 / 5000.0, 1 / 4999.0, 1 / 4998.0], slots.Select(s => s.Propensity), (a, b) => Math.Abs(a - b) < 1e-10);
            var cell = ((slots[1].Item - 1) / 1000 * 5) + ((slots[2].Item - 1) / 1000);
            counts[cell] = counts.GetValueOrDefault(cell) + 1;
        }

        SlateAssert.FollowsLaw(law, counts);
    }
}
