using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class NucleusEdgeTests
{
    /// <summary>Logits whose softmax at <see cref="ExactTemperature"/> is 0.5, 0.4, 0.1 to 2e-14: 4495889/3872548 ≈ ln 5/ln 4.</summary>
    private static readonly float[] ExactRow = Rows.Of(4_495_889, 3_872_548, 0);

    private static readonly double ExactTemperature = 3_872_548 / Math.Log(4);

    [Theory]
    [InlineData(0.9, 2)]
    [InlineData(0.9 - 1e-9, 2)]
    [InlineData(0.9 + 1e-9, 3)]
    [InlineData(0.5, 1)]
    [InlineData(0.5 + 1e-9, 2)]
    [InlineData(1, 3)]
    [InlineData(1e-300, 1)]
    public void Nucleus_ThresholdAtCumulativeMass_IsSmallestSetThatReachesIt(double topP, int size)
    {
        _ = SlateAssert.Sample(ExactRow, new() { TopP = topP, Temperature = ExactTemperature }, 1, out var summary);
        Assert.Equal(size, summary.NucleusSize);
        Assert.Equal(size switch { 1 => 0.5, 2 => 0.9, _ => 1 }, summary.NucleusMass, 1e-13);
    }

    public static TheoryData<string, Func<SamplingParameters, SamplingParameters>> OutOfRange { get; } = new()
    {
        { "Temperature must be finite and at least 1E-300, not 1E-310", p => p with { Temperature = 1e-310 } },
        { "Temperature must be finite and at least 1E-300, not 0", _ => default },
        { "Temperature must be finite and at least 1E-300, not NaN", p => p with { Temperature = double.NaN } },
        { "Temperature must be finite and at least 1E-300, not Infinity", p => p with { Temperature = double.PositiveInfinity } },
        { "Temperature must be finite and at least 1E-300, not -1", p => p with { Temperature = -1 } },
        { "TopP must be in (0, 1], not 0", p => p with { TopP = 0 } },
        { "TopP must be in (0, 1], not 2", p => p with { TopP = 2 } },
        { "TopP must be in (0, 1], not NaN", p => p with { TopP = double.NaN } },
        { "TopK must be 0 (off) or more, not -1", p => p with { TopK = -1 } },
        { "Strategy must be one of the enumeration, not 99", p => p with { Strategy = (SamplingStrategy)99 } },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void Sample_ParameterOutOfRange_NamesIt(string message, Func<SamplingParameters, SamplingParameters> change)
    {
        var parameters = change(new SamplingParameters { TopP = 0.5 });
        if (parameters == default)
            parameters = parameters with { TopP = 0.5 };
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => NucleusSampler.Sample([float.NegativeInfinity, 1, 2], null, parameters, new SlateSlot[1]));
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SamplingParameters.LeastTemperature)]
    [InlineData(double.MaxValue)]
    public void Sample_ExtremeTemperature_GivesNumbers(double temperature)
    {
        foreach (var items in (int[])[100, 5000])
        {
            float[] logits = [float.NegativeInfinity, .. Enumerable.Range(0, items).Select(i => i % 7 * 0.5f)];
            var slots = new SlateSlot[5];
            foreach (var strategy in Enum.GetValues<SamplingStrategy>())
            {
                var summary = NucleusSampler.Sample(logits, null, new SamplingParameters { Strategy = strategy, Temperature = temperature }, slots);
                Assert.InRange(summary.NucleusMass, 0, 1);
                Assert.All(slots, slot => Assert.True(slot.Probability is >= 0 and <= 1 && slot.Propensity is > 0 and <= 1, $"{slot}"));
            }
        }
    }

    [Fact]
    public void Nucleus_EqualItems_CutAtEveryTenth()
    {
        for (var size = 1; size <= 10; size++)
        {
            var slots = SlateAssert.Sample(Rows.Make("equal", 10, 0), new() { TopP = size / 10.0 }, 10, out var summary);
            Assert.Equal(size, summary.NucleusSize);
            Assert.Equal(Enumerable.Range(1, size), slots.Where(s => !s.GreedyFill).Select(s => s.Item).Order());
            Assert.Equal(Enumerable.Range(size + 1, 10 - size), slots.Where(s => s.GreedyFill).Select(s => s.Item));

            // A p that rounding has put just above the cumulative mass, as 0.1 + 0.2 is above 0.3, asks for no further item.
            _ = SlateAssert.Sample(Rows.Make("equal", 10, 0), new() { TopP = Math.Min(1, Math.BitIncrement(size / 10.0)) }, 0, out summary);
            Assert.Equal(size, summary.NucleusSize);
        }
    }

    [Fact]
    public void Nucleus_TiesAcrossTheBoundary_LowestIndexesBelong()
    {
        // Items 1…3000, every third larger; the boundary lies among the 2000 equal others.
        var row = Rows.Make("equal", 3000, 0);
        for (var i = 3; i <= 3000; i += 3)
            row[i] += 2;
        var slots = SlateAssert.Sample(row, new() { TopP = 0.9 }, 3000, out var summary);
        var ties = Enumerable.Range(1, 3000).Where(i => i % 3 != 0).Take(summary.NucleusSize - 1000);
        var expected = Enumerable.Range(1, 1000).Select(i => 3 * i).Concat(ties).Order();
        Assert.InRange(summary.NucleusSize, 1001, 2999);
        Assert.Equal(expected, slots.Where(s => !s.GreedyFill).Select(s => s.Item).Order());
        SlateAssert.MatchesReference(row, new() { TopP = 0.9 }, 20);
    }

    [Fact]
    public void Nucleus_PositiveAndNegativeZero_AreTies()
    {
        var row = Rows.Of(-0f, 0f, -0f, 0f);
        var slots = SlateAssert.Sample(row, new() { Strategy = SamplingStrategy.Greedy }, 4);
        Assert.Equal([1, 2, 3, 4], slots.Select(s => s.Item));
    }

    [Fact]
    public void TopK_ThenTopP_ThresholdIsAgainstTheRenormalisedMass()
    {
        var row = Rows.OfProbabilities(0.1, 0.4, 0.2, 0.3);
        var slots = SlateAssert.Sample(row, new() { TopK = 2, TopP = 0.55 }, 4, out var summary); // 0.4 / 0.7 = 0.571 ≥ 0.55 > 0.4
        Assert.Equal(1, summary.NucleusSize);
        Assert.Equal(0.4, summary.NucleusMass, 1e-6); // over the whole catalogue, not 0.571
        Assert.Equal([2, 4], slots.Select(s => s.Item)); // never beyond the top 2, though 4 slots were asked for
        Assert.Equal([0.4, 0.3], slots.Select(s => s.Probability), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([false, true], slots.Select(s => s.GreedyFill));

        _ = SlateAssert.Sample(row, new() { TopK = 2, TopP = 0.6 }, 4, out summary);
        Assert.Equal(2, summary.NucleusSize);
        Assert.Equal(0.7, summary.NucleusMass, 1e-6);
    }

    [Theory]
    [InlineData(SamplingStrategy.Nucleus)]
    [InlineData(SamplingStrategy.Full)]
    public void TopK_TiesAtTheBoundary_LowestIndexesStay(SamplingStrategy strategy)
    {
        var parameters = new SamplingParameters { Strategy = strategy, TopK = 3, TopP = 1 };
        var slots = SlateAssert.Sample(Rows.Of(1, 0, 2, 1, 1, 0), parameters, 6, out var summary);
        Assert.Equal(3, summary.NucleusSize);
        Assert.Equal([1, 3, 4], slots.Select(s => s.Item).Order());
        Assert.All(slots, slot => Assert.False(slot.GreedyFill));
    }

    [Fact]
    public void TopK_FilteredItems_DoNotCountAmongTheK()
    {
        using var mask = ItemMask.Rent(4);
        mask.Exclude([3, 2]);
        var slots = SlateAssert.Sample(Rows.Of(1, 9, 8, 2), new() { TopK = 2, TopP = 1 }, 4, mask);
        Assert.Equal([1, 4], slots.Select(s => s.Item).Order());
    }

    [Fact]
    public void Greedy_IsRankOrderWithPropensityOne()
    {
        var parameters = new SamplingParameters { Strategy = SamplingStrategy.Greedy, TopP = 0.1 };
        var slots = SlateAssert.Sample(Rows.OfProbabilities(0.1, 0.4, 0.2, 0.3), parameters, 3, out var summary);
        Assert.Equal([2, 4, 3], slots.Select(s => s.Item));
        Assert.All(slots, slot => Assert.Equal((1.0, false), (slot.Propensity, slot.GreedyFill)));
        Assert.Equal((3, 3), (summary.Count, summary.NucleusSize));
        Assert.Equal(0.9, summary.NucleusMass, 1e-6);
    }

    [Fact]
    public void Full_IsTopPOne()
    {
        var row = Rows.Make("gauss3", 50, 1);
        var full = SlateAssert.Sample(row, new() { Strategy = SamplingStrategy.Full, TopP = 0.2, Seed = 5 }, 20, out var summary);
        Assert.Equal(50, summary.NucleusSize);
        Assert.Equal(1, summary.NucleusMass, 1e-15);
        Assert.Equal(SlateAssert.Sample(row, new() { TopP = 1, Seed = 5 }, 20), full);
    }

    [Fact]
    public void TopP_TowardsZero_IsGreedy()
    {
        var row = Rows.Make("uniform", 40, 2);
        var nucleus = SlateAssert.Sample(row, new() { TopP = double.Epsilon }, 40, out var summary);
        Assert.Equal(1, summary.NucleusSize);
        Assert.Equal(1, nucleus[0].Propensity);
        Assert.Equal(SlateAssert.Sample(row, new() { Strategy = SamplingStrategy.Greedy }, 40).Select(s => s.Item), nucleus.Select(s => s.Item));
    }

    [Fact]
    public void Full_WeightsThatUnderflow_KeepTheirLaw()
    {
        var row = Rows.Of(0, -1000, -1001);
        var firstOfTheRest = 1 / (1 + Math.Exp(-1));
        var counts = new Dictionary<int, int>();
        for (ulong seed = 0; seed < 20_000; seed++)
        {
            var slots = SlateAssert.Sample(row, new() { TopP = 1, Seed = seed }, 3, out var summary);
            Assert.Equal((3, 3), (summary.Count, summary.NucleusSize));
            Assert.Equal((1, 1.0, 1.0), (slots[0].Item, slots[0].Propensity, slots[0].Probability));
            SlateAssert.EqualRelative(slots[1].Item == 2 ? firstOfTheRest : 1 - firstOfTheRest, slots[1].Propensity);
            Assert.Equal((0.0, 1.0), (slots[2].Probability, slots[2].Propensity));
            counts[slots[1].Item] = counts.GetValueOrDefault(slots[1].Item) + 1;
        }

        Assert.Equal(firstOfTheRest * 20_000, counts[2], 5 * Math.Sqrt(20_000 * firstOfTheRest * (1 - firstOfTheRest)));
    }

    [Theory]
    [InlineData(700, 1)]
    [InlineData(1e4, 1e-3)]
    [InlineData(1e30, 1e-3)]
    public void Full_StepsThatUnderflowAgainAndAgain_DrawEveryItem(double step, double temperature)
    {
        var row = Rows.Of([.. Enumerable.Range(0, 20).Select(i => (float)(-step * (i / 2)))]);
        var slots = SlateAssert.Sample(row, new() { TopP = 1, Temperature = temperature, Seed = 3 }, 20);
        for (var slot = 0; slot < 20; slot += 2)
        {
            Assert.Equal([slot + 1, slot + 2], new[] { slots[slot].Item, slots[slot + 1].Item }.Order());
            Assert.Equal((0.5, 1.0), (slots[slot].Propensity, slots[slot + 1].Propensity));
        }
    }

    [Fact]
    public void Sample_OffsetLogits_ChangesNothing()
    {
        var row = Rows.Make("gauss3", 500, 4).Select(l => MathF.Round(l * 8) / 8).ToArray(); // stays exact at 10⁶
        var offset = row.Select(l => l + 1e6f).ToArray();
        foreach (var temperature in new[] { 1e-3, 1, 1e3 })
        {
            var parameters = new SamplingParameters { Temperature = temperature, Seed = 9 };
            var expected = SlateAssert.Sample(row, parameters, 50, out var expectedSummary);
            var actual = SlateAssert.Sample(offset, parameters, 50, out var actualSummary);
            Assert.Equal(expectedSummary, actualSummary);
            Assert.Equal(expected, actual.Select(s => s with { Logit = s.Logit - 1e6f }));
        }
    }

    [Fact]
    public void Sample_ExtremeLogitsAndTemperatures_EqualsReference()
    {
        float[][] rows =
        [
            Rows.Of(1000, -1000, 999.5f, 0), Rows.Of(float.MaxValue, float.MinValue, 0), Rows.Of(-1000, -1000.5f, -1001),
            Rows.Of(float.Epsilon, -float.Epsilon, 0, -0f), Rows.Of(float.NegativeInfinity, -1e30f, float.NegativeInfinity),
        ];
        foreach (var row in rows)
        {
            foreach (var temperature in new[] { 1e-300, 1e-3, 1, 1e3, 1e300 })
            {
                foreach (var topP in new[] { 0.5, 0.9, 1 })
                    SlateAssert.MatchesReference(row, new() { Temperature = temperature, TopP = topP, Seed = 8 }, 4);
            }
        }
    }

    [Fact]
    public void Sample_SingleEligibleItem_IsCertain()
    {
        var slots = SlateAssert.Sample(Rows.Of(float.NegativeInfinity, -77, float.NegativeInfinity), new() { TopP = 0.3 }, 5, out var summary);
        Assert.Equal(new SlateSummary(1, 1, 1), summary);
        Assert.Equal([new SlateSlot(2, -77, 1, 1, false)], slots);
    }

    [Fact]
    public void Sample_NothingEligible_IsAnEmptySlate()
    {
        using var mask = ItemMask.Rent(2);
        mask.ExcludeAll();
        foreach (var strategy in Enum.GetValues<SamplingStrategy>())
        {
            var parameters = new SamplingParameters { Strategy = strategy };
            Assert.Empty(SlateAssert.Sample([], parameters, 3, out var summary));
            Assert.Equal(default, summary);
            Assert.Empty(SlateAssert.Sample(Rows.Of(), parameters, 3, out summary));
            Assert.Equal(default, summary);
            Assert.Empty(SlateAssert.Sample(Rows.Of(float.NegativeInfinity, float.NegativeInfinity), parameters, 3, out summary));
            Assert.Equal(default, summary);
            Assert.Empty(SlateAssert.Sample(Rows.Of(float.NaN, float.PositiveInfinity), parameters, 3, out summary, mask));
            Assert.Equal(default, summary);
        }
    }

    [Fact]
    public void Sample_NoSlots_StillTellsTheNucleus()
    {
        Assert.Empty(SlateAssert.Sample(ExactRow, new() { Temperature = ExactTemperature }, 0, out var summary));
        Assert.Equal((0, 2), (summary.Count, summary.NucleusSize));
        Assert.Empty(SlateAssert.Sample(ExactRow, new() { Strategy = SamplingStrategy.Greedy }, 0, out summary));
        Assert.Equal(default, summary);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Sample_InvalidLogit_NamesTheItem(float bad)
    {
        for (var items = 1; items < 70; items++)
        {
            var row = Rows.Make("gauss1", items, items);
            row[items] = bad;
            var error = Assert.Throws<InvalidLogitsException>(() => SlateAssert.Sample(row, new(), 3));
            Assert.Equal(items, error.Item);
            Assert.Contains($"item {items} is ", error.Message, StringComparison.Ordinal);

            using var mask = ItemMask.Rent(items);
            mask.Exclude(items);
            Assert.Equal(Math.Min(3, items - 1), SlateAssert.Sample(row, new(), 3, mask).Length);
        }
    }

    [Fact]
    public void Sample_MaskOfAnotherCatalogue_Throws()
    {
        using var mask = ItemMask.Rent(5);
        var error = Assert.Throws<ArgumentException>(() => SlateAssert.Sample(Rows.Of(1, 2, 3, 4), new(), 1, mask));
        Assert.Contains("over 5 items, the row over 4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_Row_IsNotChanged()
    {
        var row = Rows.Make("gauss3", 100, 6);
        var copy = row.ToArray();
        using var mask = ItemMask.Rent(100);
        mask.Exclude([1, 5, 100]);
        _ = SlateAssert.Sample(row, new() { TopK = 20 }, 30, mask);
        Assert.Equal(copy, row);
    }
}
