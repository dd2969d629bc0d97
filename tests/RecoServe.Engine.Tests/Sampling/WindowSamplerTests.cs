using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

public sealed class WindowSamplerTests
{
    /// <summary>Probabilities 0.4, 0.3, 0.2, 0.1 as items 2, 4, 3, 1.</summary>
    private static readonly float[] Row = Rows.OfProbabilities(0.1, 0.4, 0.2, 0.3);

    [Theory]
    [InlineData(0.35, 2, 1)] // the nucleus is the one item above the window's lowest logit
    [InlineData(0.35, 3, 1)]
    [InlineData(0.6, 2, -1)] // it holds the lowest, of which more may be outside
    [InlineData(0.6, 3, 2)]
    [InlineData(0.9 - 1e-6, 3, -1)]
    [InlineData(0.95, 4, 4)] // the whole row
    [InlineData(1, 3, -1)]
    [InlineData(1, 4, 4)]
    public void TrySample_Nucleus_MustEndAboveTheLowestLogit(double topP, int size, int nucleus)
    {
        var slots = Window(size).Sample(new() { TopP = topP }, 1, out var summary);
        Assert.Equal(nucleus > 0, slots is not null);
        Assert.Equal(Math.Max(0, nucleus), summary.NucleusSize);
    }

    [Theory]
    [InlineData(SamplingStrategy.Nucleus)] // one drawn, then greedy fill
    [InlineData(SamplingStrategy.Greedy)]
    public void TrySample_Slots_MustBeAboveTheLowestLogit(SamplingStrategy strategy)
    {
        var parameters = new SamplingParameters { TopP = 0.1, Strategy = strategy };
        for (var slots = 0; slots < 6; slots++)
        {
            Assert.Equal(slots <= 2, Window(3).Sample(parameters, slots) is not null);
            AssertEqual(SlateAssert.Sample(Row, parameters, slots), Window(4).Sample(parameters, slots));
        }

        AssertEqual(SlateAssert.Sample(Row, parameters, 2), Window(3).Sample(parameters, 2));
    }

    [Fact]
    public void TrySample_TiesAtTheLowestLogit_AreNotTakenForTheRows()
    {
        // Items 2, 3 and 4 tie; which of them is in the window is not theirs to say.
        var row = Rows.Of(3, 1, 1, 1, 0);
        for (var seed = 0; seed < 20; seed++)
        {
            var window = new RowWindow(row, null, 1, 3, seed);
            Assert.Equal(1, window.Sample(new() { TopP = 0.5 }, 1)!.Single().Item);
            Assert.Null(window.Sample(new() { TopP = 0.5 }, 2));
            Assert.Null(window.Sample(new() { TopP = 0.9 }, 1));
            Assert.Null(window.Sample(new() { Strategy = SamplingStrategy.Greedy }, 2));
            Assert.Null(window.Sample(new() { TopP = 1, TopK = 2 }, 1));

            // The k most probable weigh the same whichever they are: 20.1 of 20.1 + 2.7 is 0.88.
            Assert.Equal(1, window.Sample(new() { TopP = 0.87, TopK = 2 }, 1)!.Single().Item);
            Assert.Null(window.Sample(new() { TopP = 0.89, TopK = 2 }, 1));
        }
    }

    [Fact]
    public void TrySample_OnlyTies_NeedTheRow()
    {
        var window = new RowWindow(Rows.Make("equal", 9, 0), null, 1, 8);
        Assert.Null(window.Sample(new() { TopP = 0.1 }, 0));
        Assert.Null(window.Sample(new() { TopP = 1e-13 }, 0));
        Assert.Null(window.Sample(new() { Strategy = SamplingStrategy.Greedy }, 1));
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)] // its last item is the lowest
    [InlineData(4, false)]
    [InlineData(9, false)]
    public void TrySample_TopKOfTheFullStrategy_MustBeAboveTheLowestLogit(int topK, bool isCovered)
    {
        var row = Rows.OfProbabilities(0.1, 0.4, 0.2, 0.25, 0.05);
        var parameters = new SamplingParameters { Strategy = SamplingStrategy.Full, TopK = topK };
        var slots = new RowWindow(row, null, 1, 3).Sample(parameters, 5);
        Assert.Equal(isCovered, slots is not null);
        if (isCovered)
            AssertEqual(SlateAssert.Sample(row, parameters, 5), slots);
    }

    [Theory]
    [InlineData(2, 0.7, 2)] // 0.4 + 0.3 of 0.7
    [InlineData(3, 0.7, 2)] // 0.4 + 0.3 of 0.9; the third is known by its logit
    [InlineData(3, 0.8, -1)]
    [InlineData(4, 0.69, 2)] // as many as are eligible: no top_k
    [InlineData(9, 0.69, 2)]
    public void TrySample_TopK_RenormalisesBeforeTopP(int topK, double topP, int nucleus)
    {
        var slots = Window(3).Sample(new() { TopK = topK, TopP = topP }, 1, out var summary);
        Assert.Equal(nucleus > 0, slots is not null);
        Assert.Equal(Math.Max(0, nucleus), summary.NucleusSize);
    }

    [Fact]
    public void TrySample_TopKBeyondTheWindow_NeedsTheRow()
    {
        // 0.4 is more than 0.3 of whatever four items; but what four weigh is not known, though it could be bounded.
        var row = Rows.OfProbabilities(0.1, 0.4, 0.2, 0.25, 0.05);
        Assert.Null(new RowWindow(row, null, 1, 3).Sample(new() { TopK = 4, TopP = 0.3 }, 1));
        Assert.NotNull(new RowWindow(row, null, 1, 3).Sample(new() { TopK = 3, TopP = 0.3 }, 1));
    }

    [Fact]
    public void TrySample_WholeRow_IsBitForBitTheSlateOfTheRow()
    {
        foreach (var kind in Rows.Kinds)
        {
            var row = Rows.Make(kind, 300, 5);
            foreach (var parameters in new SamplingParameters[]
                { new() { Seed = 3 }, new() { TopP = 1 }, new() { TopK = 20, Temperature = 0.3 }, new() { Strategy = SamplingStrategy.Greedy } })
            {
                var expected = SlateAssert.Sample(row, parameters, 40, out var expectedSummary);
                Assert.Equal(expected, new RowWindow(row, null, parameters.Temperature, 300).Sample(parameters, 40, out var summary));
                Assert.Equal(expectedSummary, summary);
            }
        }
    }

    [Fact]
    public void TrySample_WindowInAnyOrder_GivesTheSameSlate()
    {
        var row = Rows.Make("gauss3", 5_000, 8);
        var parameters = new SamplingParameters { TopP = 0.7, Seed = 4 };
        var expected = new RowWindow(row, null, 1, 900).Sample(parameters, 20);
        Assert.NotNull(expected);
        for (var seed = 1; seed < 10; seed++)
            Assert.Equal(expected, new RowWindow(row, null, 1, 900, seed).Sample(parameters, 20));
    }

    [Fact]
    public void TrySample_EligibleCountNotKnown_OnlyHidesThatTheRowIsWhole()
    {
        var window = new RowWindow(Row, null, 1, 4);
        var unsure = new RowWindow(Row, null, 1, 4) { EligibleCount = 1000 };
        Assert.Equal(window.Sample(new() { TopP = 0.6 }, 2)!.Select(s => s.Item), unsure.Sample(new() { TopP = 0.6 }, 2)!.Select(s => s.Item));
        Assert.NotNull(window.Sample(new() { TopP = 1 }, 2));
        Assert.Null(unsure.Sample(new() { TopP = 1 }, 2));
    }

    [Fact]
    public void TrySample_NotEligibleEntries_AreAsIfNotThere()
    {
        // Padding of any index, item 0, and a repeated item, all −∞; the lowest logit is still that of item 3.
        const float None = float.NegativeInfinity;
        var window = Window(3);
        var padded = new RowWindow(
            [0, .. window.Items, -1, -1, 2, 1], [None, .. window.Logits, None, None, None, None], 4, window.LogSumExp);
        Assert.Equal(window.Sample(new() { TopP = 0.6 }, 2), padded.Sample(new() { TopP = 0.6 }, 2));
        Assert.NotNull(padded.Sample(new() { TopP = 0.6 }, 2));
        Assert.Null(padded.Sample(new() { TopP = 0.6 }, 3));
    }

    [Fact]
    public void TrySample_NothingEligible_IsAnEmptySlate()
    {
        foreach (var items in new int[][] { [], [3, 4] })
        {
            var logits = items.Select(_ => float.NegativeInfinity).ToArray();
            foreach (var eligibleCount in new[] { 0, 5 })
            {
                var nothing = new RowWindow(items, logits, eligibleCount, double.NegativeInfinity);
                Assert.Empty(nothing.Sample(new(), 3, out var summary)!);
                Assert.Equal(default, summary);
            }

            Assert.Null(new RowWindow(items, logits, 5, -2.5).Sample(new(), 3));
            Throws("no eligible item, and the sum is -2.5", new RowWindow(items, logits, 0, -2.5));
            Throws("no eligible item, and the sum is NaN", new RowWindow(items, logits, 5, double.NaN));
            Throws("no eligible item, and the sum is Infinity", new RowWindow(items, logits, 5, double.PositiveInfinity));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void TrySample_InvalidLogit_NamesTheItem(float bad)
    {
        // Before the sum is looked at, which is then not valid either.
        foreach (var item in new[] { 1, 77, 0 })
        {
            var window = new RowWindow([3, item, 5], [1, bad, 0], 9, double.NaN);
            Assert.Equal(item, Assert.Throws<InvalidLogitsException>(() => window.Sample(new(), 1)).Item);
        }
    }

    [Fact]
    public void TrySample_InvalidItems_Throw()
    {
        Throws("item 7 stands twice in the window", new RowWindow([7, 9, 7], [1, 2, 3], 9, 3.5));
        Throws("item 7 stands twice in the window", new RowWindow([7, 7], [1, 1], 9, 3.5));
        Throws("0 is no item: they are 1…N", new RowWindow([7, 0], [1, 1], 9, 3.5));
        Throws("-7 is no item: they are 1…N", new RowWindow([-7, 2], [1, 1], 9, 3.5));
        Throws("2 items of the window are eligible, 1 of the row", new RowWindow([7, 8, 9], [1, 1, float.NegativeInfinity], 1, 3.5));
    }

    [Fact]
    public void LogitWindow_InvalidArguments_Throw()
    {
        Throws("the window has 2 items and 1 logits", new RowWindow([7, 8], [1], 9, 3.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RowWindow([7], [1], -1, 3.5).Sample(new(), 1));
        foreach (var error in new[] { -1e-9, 1, double.NaN })
            Throws($"the error is {error}, not in [0, 1)", new RowWindow([7], [1], 9, 1.5, error));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void TrySample_SumIsNotFinite_Throws(double sum)
    {
        foreach (var eligibleCount in new[] { 3, 10 })
            Throws($"the sum is {sum}, and the largest logit / temperature 2", new RowWindow([1, 2, 3], [2, 1, 0], eligibleCount, sum));
    }

    [Fact]
    public void TrySample_TemperatureBeyondDoubles_Throws()
    {
        var window = new RowWindow([1, 2, 3], [2e10f, 1, 0], 3, 1e300);
        var error = Assert.Throws<ArgumentException>(() => window.Sample(new() { Temperature = 1e-300 }, 1));
        Assert.Contains("the largest logit / temperature Infinity", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 2.40760596, 0)] // ln(e² + e + 1)
    [InlineData(4, 2.49381171, 1)] // with another item of logit 0 at most: ln(e² + e + 2)
    public void TrySample_SumDoesNotFitTheWindow_Throws(int eligibleCount, double most, int outside)
    {
        foreach (var error in new[] { 0, 1e-6, 1e-3 })
        {
            RowWindow Of(double sum) => new([1, 2, 3], [2, 1, 0], eligibleCount, sum, error);
            Throws("that of the window alone 2.4076059", Of(2.40760596 - 2e-8 - error));
            Throws($"with {outside} items outside it can be {most:F4}", Of(most + 2e-8 + error));
            if (error == 0)
                continue;
            Assert.NotNull(Of(2.40760596 + 1e-8 - error).Sample(new() { TopP = 0.5 }, 1));
            Assert.NotNull(Of(most - 1e-8 + error).Sample(new() { TopP = 0.5 }, 1));
        }
    }

    [Fact]
    public void TrySample_SumSlightlyBelowTheWindow_GivesNoMassAboveOne()
    {
        // 20 items outside that weigh nothing.
        var slots = new RowWindow([1, 2, 3], [50, 49, -100], 23, 50.3132616 - 1e-4, 2e-4).Sample(new() { TopP = 0.9 }, 2, out var summary);
        Assert.Equal(1, slots!.Sum(s => s.Probability), 1e-12);
        Assert.Equal(1, summary.NucleusMass, 1e-12);
    }

    [Fact]
    public void TrySample_NormaliserLeavesTheLastItemOpen_NeedsTheRow()
    {
        // 0.7 is the mass of two items. A p within the error of it could mean two or three.
        foreach (var (below, p, above) in new[] { (0.7 - 2e-5, 2, 0.7 - 1e-6), (0.7 + 2e-5, 3, 0.7 + 1e-6) })
        {
            var row = Rows.OfProbabilities(0.1, 0.4, 0.15, 0.3, 0.05);
            RowWindow Of(double error) => new RowWindow(row, null, 1, 4).WithError(error, part: 0);
            _ = Of(1e-5).Sample(new() { TopP = below }, 1, out var summary);
            Assert.Equal(p, summary.NucleusSize);
            Assert.Null(Of(1e-5).Sample(new() { TopP = above }, 1));
            _ = Of(0).Sample(new() { TopP = above }, 1, out summary);
            Assert.Equal(p, summary.NucleusSize);
        }
    }

    [Fact]
    public void TrySample_TopKInTheWindow_NeedsNoExactNormaliser()
    {
        // The mass of the nucleus is 0.7 of the 0.9 of the top 3, whatever else there is.
        Assert.NotNull(Window(3).WithError(0.1, part: 0.2).Sample(new() { TopK = 3, TopP = 0.7777 }, 1, out var summary));
        Assert.Equal(2, summary.NucleusSize);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1000, 1)]
    [InlineData(-1000, 3)]
    public void TrySample_ExactNormaliser_CutsAtACumulativeMass(float offset, double temperature)
    {
        // Ten equal items and five lower ones, of which two are outside; p is the mass of 1…10 of them.
        var row = Rows.Of([.. Enumerable.Range(0, 15).Select(i => offset - (i % 3 == 2 ? 1 : 0))]);
        for (var size = 1; size <= 10; size++)
        {
            var topP = size / (10 + (5 * Math.Exp(-1 / temperature)));
            var slots = new RowWindow(row, null, temperature, 13).Sample(new() { TopP = topP, Temperature = temperature }, 1, out var summary);
            Assert.NotNull(slots);
            Assert.Equal(size, summary.NucleusSize);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1e-7)]
    [InlineData(1e-4)]
    public void TrySample_LongRows_GiveTheSlatesOfTheRow(double error)
    {
        var covered = 0;
        foreach (var kind in Rows.Kinds)
        {
            var row = Rows.Make(kind, 6_000, 9);
            for (var size = 1; size < 6_000; size *= 3)
            {
                foreach (var topP in new[] { 0.1, 0.5, 0.9 })
                {
                    var parameters = new SamplingParameters { TopP = topP, Seed = (ulong)size };
                    var exact = new RowWindow(row, null, 1, size, size);
                    foreach (var part in new[] { -0.9, 0.9 })
                    {
                        var slots = exact.WithError(error, part).Sample(parameters, 8, out var summary);
                        if (slots is null)
                            continue;
                        AssertEqual(SlateAssert.Sample(row, parameters, 8, out var expected), slots, 3e-7 + error);
                        Assert.Equal((expected.Count, expected.NucleusSize), (summary.Count, summary.NucleusSize));
                        Assert.Equal(expected.NucleusMass, summary.NucleusMass, 3e-7 + error);
                        covered++;
                    }
                }
            }
        }

        Assert.InRange(covered, 60, 12 * 8 * 3 * 2);
    }

    [Fact]
    public void TrySample_NoSlots_StillTellsTheNucleus()
    {
        Assert.Empty(Window(3).Sample(new() { TopP = 0.6 }, 0, out var summary)!);
        Assert.Equal((0, 2), (summary.Count, summary.NucleusSize));
        Assert.Equal(0.7, summary.NucleusMass, 1e-6);
        Assert.Empty(Window(1).Sample(new() { Strategy = SamplingStrategy.Greedy }, 0, out summary)!);
        Assert.Equal(default, summary);
    }

    [Fact]
    public void TrySample_SteadyState_AllocatesNothing()
    {
        var window = new RowWindow(Rows.Make("gauss3", 5_000, 8), null, 1, 2_000);
        var slots = new SlateSlot[50];
        void Calls()
        {
            for (ulong seed = 0; seed < 20; seed++)
            {
                var row = new LogitWindow(window.Items, window.Logits, window.EligibleCount, window.LogSumExp, 1e-9);
                Assert.True(WindowSampler.TrySample(row, new() { TopP = 0.5, Seed = seed }, slots, out _));
                Assert.False(WindowSampler.TrySample(row, new() { TopP = 0.9999, Seed = seed }, slots, out _));
            }
        }

        // A collection may empty the array pool between two calls: one clean round shows that the calls themselves need nothing.
        var least = long.MaxValue;
        for (var round = 0; round < 10 && least > 0; round++)
        {
            Calls();
            var before = GC.GetAllocatedBytesForCurrentThread();
            Calls();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static RowWindow Window(int size) => new(Row, null, 1, size);

    private static void AssertEqual(SlateSlot[] expected, SlateSlot[]? actual, double probabilityError = 1e-12)
    {
        Assert.Equal(expected.Select(s => (s.Item, s.Logit, s.GreedyFill)), actual!.Select(s => (s.Item, s.Logit, s.GreedyFill)));
        for (var i = 0; i < expected.Length; i++)
        {
            SlateAssert.EqualRelative(expected[i].Propensity, actual![i].Propensity, 1e-6);
            SlateAssert.EqualRelative(expected[i].Probability, actual[i].Probability, probabilityError);
        }
    }

    private static void Throws(string message, RowWindow window)
    {
        var error = Assert.Throws<ArgumentException>(() => window.Sample(new(), 1));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
