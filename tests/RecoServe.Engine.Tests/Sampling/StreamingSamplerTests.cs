using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>Rows long enough for passes in single precision, against the same row in double precision throughout.</summary>
public sealed class StreamingSamplerTests
{
    private static readonly double[] TopPs = [1e-9, 0.1, 0.5, 0.9, 0.99, 0.999, 1];

    public static TheoryData<string> Kinds => [.. Rows.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Sample_RandomLongRows_EqualsDoublePrecision(string kind)
    {
        var random = new Random(Array.IndexOf(Rows.Kinds, kind));
        for (var repeat = 0; repeat < 60; repeat++)
        {
            var items = random.Next(2048, 12_000);
            using var mask = RandomMask(random, items);
            AssertEqual(
                Rows.Make(kind, items, random.Next()), mask, random.Next(20) == 0 ? 700 : random.Next(12),
                new SamplingParameters
                {
                    TopP = TopPs[random.Next(TopPs.Length)],
                    Temperature = new[] { 1, 1, 0.3, 3, 2e-3, 900 }[random.Next(6)],
                    TopK = random.Next(4) == 0 ? random.Next(1, 3000) : 0,
                    Seed = (ulong)random.NextInt64(),
                    Strategy = (SamplingStrategy)(random.Next(8) switch { 0 => 1, 1 => 2, _ => 0 }),
                });
        }
    }

    [Fact]
    public void Sample_LengthsAboutBlockEdges_EqualsDoublePrecision()
    {
        foreach (var block in new[] { 2048, 3072, 5120 })
        {
            for (var items = block - 19; items <= block + 18; items++)
                AssertEqual(Rows.Make("mixture", items, items), null, 5, new() { Seed = (ulong)items });
        }
    }

    [Fact]
    public void Sample_OneEligibleAmongMany_IsFound()
    {
        foreach (var item in new[] { 1, 1023, 1024, 5000, 99_999, 100_000 })
        {
            var row = Rows.Of(Enumerable.Repeat(float.NegativeInfinity, 100_000).ToArray());
            row[item] = -3;
            Assert.Equal([new SlateSlot(item, -3, 1, 1, false)], SlateAssert.Sample(row, new(), 5));

            using var mask = ItemMask.Rent(100_000);
            mask.ExcludeAllBut([item]);
            Assert.Equal(item, SlateAssert.Sample(Rows.Make("gauss1", 100_000, 3), new(), 5, mask).Single().Item);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Sample_InvalidLogit_NamesTheItem(float bad)
    {
        foreach (var item in new[] { 1, 16, 1024, 4_567, 10_000 })
        {
            foreach (var parameters in new SamplingParameters[] { new(), new() { TopK = 5 }, new() { TopP = 1 }, new() { Strategy = SamplingStrategy.Greedy } })
            {
                var row = Rows.Make("gauss3", 10_000, item);
                row[item] = bad;
                Assert.Equal(item, Assert.Throws<InvalidLogitsException>(() => SlateAssert.Sample(row, parameters, 3)).Item);
                using var mask = ItemMask.Rent(10_000);
                mask.Exclude(item);
                Assert.Equal(3, SlateAssert.Sample(row, parameters, 3, mask).Length);
            }
        }
    }

    [Theory]
    [InlineData(60)]
    [InlineData(500)]
    [InlineData(3e38)]
    public void Sample_OutlierThatTheSampleMisses_IsFound(double outlier)
    {
        foreach (var item in new[] { 777, 31_415, 99_999 })
        {
            var row = Rows.Make("gauss1", 100_000, item);
            row[item] = (float)outlier;
            AssertEqual(row, null, 4, new() { TopP = 0.9, Seed = 1 });
            AssertEqual(row, null, 4, new() { TopP = 0.5, Temperature = 0.01, Seed = 1 });
        }
    }

    [Fact]
    public void Sample_SortedOrPeriodicRows_EqualsDoublePrecision()
    {
        var row = Rows.Make("gauss3", 50_000, 1);
        var sorted = Rows.Of([.. row[1..].Order()]);
        float[][] rows = [sorted, Rows.Of([.. row[1..].OrderDescending()]), Rows.Of([.. row[1..].Select((l, i) => i % 400 < 16 ? l + 8 : l)])];
        foreach (var each in rows)
        {
            foreach (var topP in TopPs)
                AssertEqual(each, null, 8, new() { TopP = topP, Seed = 4 });
        }
    }

    /// <summary>The sample promises many times as many high logits as there are.</summary>
    [Fact]
    public void Sample_TopKOfWhichOnlyTheSampleHasHigh_EqualsDoublePrecision()
    {
        const int piece = 32, stride = 40; // about the sample's
        var row = Rows.Of([.. Rows.Make("gauss1", 100_000, 1).Skip(1).Select((l, i) => i < 3 * stride * piece && i / piece % stride is >= 19 and <= 21 ? l + 8 : l)]);
        foreach (var topK in new[] { 10, 100, 288, 289, 3000 })
            AssertEqual(row, null, 8, new() { TopK = topK, Seed = 4 });
    }

    /// <summary>A small nucleus, among the few that are listed with their items, ends in the midst of equal logits.</summary>
    [Fact]
    public void Sample_FewEqualLogitsAtTheEnd_TakesTheFirstOfThem()
    {
        foreach (var seed in Enumerable.Range(0, 20))
        {
            var row = Rows.Of([.. Rows.Make("gauss6", 20_000, seed).Skip(1).Select(logit => MathF.Round(logit))]);
            foreach (var topP in TopPs)
                AssertEqual(row, null, 8, new() { TopP = topP, Seed = (ulong)seed });
        }
    }

    /// <summary>Nearer than single precision tells; the weights of a small nucleus in double tell 1e-9, those of the row the rest.</summary>
    [Theory]
    [InlineData("gauss1", 1999, 20_000)]
    [InlineData("gauss6", 1, 150)]
    [InlineData("gauss3", 1, 40)]
    public void Sample_NextToACumulativeSum_CutsThere(string kind, int step, int end)
    {
        var row = Rows.Make(kind, 20_000, 6);
        var order = Enumerable.Range(1, 20_000).OrderBy(i => RankKey.Of(row[i], i)).Select(i => Math.Exp(row[i])).ToArray();
        var total = order.Sum();
        var cumulative = 0.0;
        for (var n = 1; n < end; n++)
        {
            cumulative += order[n - 1];
            if (n % step != 0)
                continue;
            foreach (var (distance, size) in new[] { (-1e-9, n), (0, n), (1e-11, n + 1), (1e-9, n + 1) })
            {
                _ = SlateAssert.Sample(row, new() { TopP = (cumulative / total) + distance }, 0, out var summary);
                Assert.Equal(size, summary.NucleusSize);
            }
        }
    }

    /// <summary>More blocks than are kept in memory, drawn from again and again.</summary>
    [Fact]
    public void Sample_LongSlateOfManyBlocks_IsThatOfDoublePrecision() =>
        AssertEqual(Rows.Make("few", 200_000, 3), null, 700, new() { TopP = 0.9, Seed = 5 });

    [Theory]
    [InlineData(SamplingStrategy.Greedy)]
    [InlineData(SamplingStrategy.Full)]
    [InlineData(SamplingStrategy.Nucleus)]
    public void Sample_NoSlots_IsThatOfDoublePrecision(SamplingStrategy strategy) =>
        AssertEqual(Rows.Make("gauss1", 20_000, 3), null, 0, new() { Strategy = strategy });

    /// <summary>Items of one logit err alike: their errors do not average out, wherever the nucleus ends.</summary>
    [Theory]
    [InlineData(true)] // in the nucleus
    [InlineData(false)] // below it
    public void Sample_ManyTiesAwayFromTheEdge_CutsWhereItMust(bool above)
    {
        const int Ties = 800_000, Others = 200_000;
        var others = Enumerable.Range(0, Others).Select(i => above ? -1.1f - (4.5e-6f * i) : 1.1f - (4.5e-6f * i)).ToArray();
        var row = Rows.Of([.. Enumerable.Repeat(-1f, Ties), .. others]);
        var ties = Ties * Math.Exp(-1);
        var weights = others.Select(logit => Math.Exp(logit)).ToArray();
        var total = ties + weights.Sum();
        var (cumulative, count) = above ? (ties, Ties) : (0.0, 0);
        for (var n = 0; n < Others; n++)
        {
            (cumulative, count) = (cumulative + weights[n], count + 1);
            if (n % 9_973 != 5_000)
                continue;
            foreach (var (distance, size) in new[] { (-5e-10, count), (5e-10, count + 1) })
            {
                _ = SlateAssert.Sample(row, new() { TopP = (cumulative / total) + distance }, 0, out var summary);
                Assert.Equal(size, summary.NucleusSize);
            }
        }
    }

    /// <summary>The heaviest few outweigh all that the sample has, which is then looked through from the wrong side.</summary>
    [Fact]
    public void Sample_HeaviestItemsBetweenPiecesOfTheSample_AreCountedOnce()
    {
        var row = Rows.Of([.. Enumerable.Range(1, 1_000_000).Select(i => i is >= 1952 and <= 1954 ? 0 : -30.1f - (1e-5f * (i / 10)))]);
        var weights = row.Skip(1).Select(logit => Math.Exp(logit)).OrderDescending().ToArray();
        var topP = weights.Take(2069).Sum() / weights.Sum();
        AssertEqual(row, null, 4, new() { TopP = topP });
    }

    /// <summary>What lay in the memory before must not choose the way that a slate is computed.</summary>
    [Fact]
    public void Sample_MemoryHasBeenUsed_ChangesNoBit()
    {
        var row = Rows.Make("gauss1", 50_000, 1);
        var parameters = new SamplingParameters { TopK = 46_100, TopP = 0.9 };
        var slates = new List<(SlateSlot[] Slots, SlateSummary Summary)>();
        foreach (var other in new[] { 1f, float.NegativeInfinity })
        {
            var before = Rows.Of([.. Enumerable.Range(0, 70_000).Select(i => i == 5 ? 0 : other)]);
            _ = SlateAssert.Sample(before, new(), 1);
            slates.Add((SlateAssert.Sample(row, parameters, 20, out var summary), summary));
        }

        Assert.Equal(slates[0].Summary, slates[1].Summary);
        Assert.Equal(slates[0].Slots, slates[1].Slots);
    }

    [Fact]
    public void Draws_FromALargeNucleus_FollowTheirPropensities()
    {
        // Four kinds of items, spread over the row; their shares of the first and of the second draw.
        float[] levels = [2, 1, 0, -6];
        var row = Rows.Of([.. Enumerable.Range(0, 8_000).Select(i => levels[i * 7 % 4])]);
        var parameters = new SamplingParameters { TopP = 0.9 };
        var nucleus = SlateAssert.Sample(row, parameters, 8_000).Where(s => !s.GreedyFill).Select(s => s.Item).ToArray();
        var weights = nucleus.GroupBy(i => row[i]).ToDictionary(g => g.Key, g => g.Count() * Math.Exp(g.Key));
        var law = weights.ToDictionary(w => Array.IndexOf(levels, w.Key), w => w.Value / weights.Values.Sum());
        var slots = new SlateSlot[2];
        var (first, second) = (new Dictionary<int, int>(), new Dictionary<int, int>());
        for (ulong seed = 0; seed < 20_000; seed++)
        {
            _ = NucleusSampler.Sample(row, null, parameters with { Seed = seed }, slots);
            Assert.NotEqual(slots[0].Item, slots[1].Item);
            SlateAssert.EqualRelative(Math.Exp(slots[0].Logit) / weights.Values.Sum(), slots[0].Propensity, 1e-7);
            SlateAssert.EqualRelative(Math.Exp(slots[1].Logit) / (weights.Values.Sum() - Math.Exp(slots[0].Logit)), slots[1].Propensity, 1e-7);
            Count(first, slots[0]);
            Count(second, slots[1]);
        }

        SlateAssert.FollowsLaw(law, first);
        SlateAssert.FollowsLaw(law, second); // one item of thousands changes it by less than the test sees

        void Count(Dictionary<int, int> counts, in SlateSlot slot)
        {
            var level = Array.IndexOf(levels, slot.Logit);
            counts[level] = counts.GetValueOrDefault(level) + 1;
        }
    }

    private static void AssertEqual(float[] row, ItemMask? mask, int slotCount, in SamplingParameters parameters)
    {
        var expected = new SlateSlot[slotCount];
        var expectedSummary = NucleusSampler.SampleWhole(new LogitRow(row, mask), parameters, expected);
        var actual = SlateAssert.Sample(row, parameters, slotCount, out var summary, mask);
        Assert.Equal((expectedSummary.Count, expectedSummary.NucleusSize), (summary.Count, summary.NucleusSize));
        Assert.Equal(expectedSummary.NucleusMass, summary.NucleusMass, 1.5e-7);
        for (var i = 0; i < actual.Length; i++)
        {
            Assert.Equal(expected[i].Item, actual[i].Item);
            Assert.Equal((expected[i].Logit, expected[i].GreedyFill), (actual[i].Logit, actual[i].GreedyFill));
            SlateAssert.EqualRelative(expected[i].Probability, actual[i].Probability, 3e-7);
            SlateAssert.EqualRelative(expected[i].Propensity, actual[i].Propensity, 1e-6);
        }
    }

    private static ItemMask? RandomMask(Random random, int items)
    {
        var share = random.Next(5) switch { 0 => 0.001, 1 => 0.5, 2 => 0.95, _ => 0 };
        if (share == 0)
            return null;
        var mask = ItemMask.Rent(items);
        for (var i = 0; i <= items; i++)
        {
            if (random.NextDouble() < share)
                mask.Exclude(i);
        }

        return mask;
    }
}
