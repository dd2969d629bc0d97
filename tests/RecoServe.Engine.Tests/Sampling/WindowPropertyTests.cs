using CsCheck;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>A window of any row either gives the slate of the row, to the last bit, or cannot.</summary>
public sealed class WindowPropertyTests(ITestOutputHelper output)
{
    private static readonly Gen<(RowCase Case, int Size, int TieSeed, double Error, double Part)> Cases = Gen.Select(
        RowCase.Of(60, 2_500), Gen.OneOf(Gen.Int[0, 100], Gen.Int[0, 2_500]), Gen.Int[0, 1000],
        Gen.OneOf(0, 0, 1e-9, 1e-5, 0.01), Gen.Double[-1, 1]);

    [Fact]
    public void TrySample_AnyWindow_GivesTheSlateOfTheRowIffItCovers() =>
        Fuzzing.Check(Cases, 600, output, c =>
        {
            var ((shape, parameters, slotCount), size, tieSeed, error, part) = c;
            var row = shape.MakeRow();
            using var mask = shape.MakeMask();
            var window = new RowWindow(row, mask, parameters.Temperature, size, tieSeed).WithError(error, part);
            var actual = window.Sample(parameters, slotCount, out var summary);
            var reference = new ReferenceSampler(row, i => mask?.IsExcluded(i) ?? false, parameters);
            if (!IsOpen(reference, parameters, error))
                Assert.Equal(Covers(window, reference, parameters, slotCount), actual is not null);
            if (actual is null)
                return;

            var expected = new SlateSlot[slotCount];
            var expectedSummary = NucleusSampler.SampleWhole(new LogitRow(row, mask), parameters, expected);
            Assert.Equal((expectedSummary.Count, expectedSummary.NucleusSize), (summary.Count, summary.NucleusSize));
            Close(expectedSummary.NucleusMass, summary.NucleusMass);
            Assert.Equal(
                expected.Take(summary.Count).Select(s => (s.Item, s.Logit, s.Propensity, s.GreedyFill)),
                actual.Select(s => (s.Item, s.Logit, s.Propensity, s.GreedyFill)));
            for (var i = 0; i < actual.Length; i++)
                Close(expected[i].Probability, actual[i].Probability);

            void Close(double probability, double found) => Assert.InRange(found, probability * (0.999999 - (1.01 * error)), probability * (1.000001 + (1.01 * error)));
        });

    /// <summary>Whether all that the slate depends on lies above the window's lowest logit.</summary>
    private static bool Covers(RowWindow window, ReferenceSampler reference, in SamplingParameters parameters, int slotCount)
    {
        if (window.Items.Length == window.EligibleCount)
            return true;
        if (window.Items.Length == 0)
            return false;
        var certain = window.Logits.Count(l => l > window.Logits.Min());
        var topK = parameters.TopK == 0 || parameters.TopK >= window.EligibleCount ? int.MaxValue : parameters.TopK;
        if (Math.Min(slotCount, topK) > certain)
            return false;
        if (topK <= certain || parameters.Strategy == SamplingStrategy.Greedy)
            return true;
        var isKnown = topK <= window.Items.Length || topK == int.MaxValue;
        return isKnown && parameters.Strategy == SamplingStrategy.Nucleus && parameters.TopP < 1 && reference.NucleusSize <= certain;
    }

    /// <summary>Whether a slightly different normaliser gives another nucleus.</summary>
    private static bool IsOpen(ReferenceSampler reference, in SamplingParameters parameters, double error)
    {
        if (parameters.Strategy != SamplingStrategy.Nucleus || parameters.TopP == 1 || reference.NucleusSize == 0)
            return false;
        var goal = parameters.TopP * reference.Window.Sum(reference.Probability);
        var last = reference.Probability(reference.Window[reference.NucleusSize - 1]);
        var slack = goal * ((2.1 * error) + 1e-9);
        return reference.NucleusMass < goal + slack || (reference.NucleusSize > 1 && reference.NucleusMass - last > goal - slack);
    }
}
