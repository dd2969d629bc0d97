using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Tests.Sampling;

/// <summary>Samples, and compares with <see cref="ReferenceSampler"/> to the last item.</summary>
internal static class SlateAssert
{
    public static SlateSlot[] Sample(float[] row, SamplingParameters parameters, int slotCount, ItemMask? mask = null) =>
        Sample(row, parameters, slotCount, out _, mask);

    public static SlateSlot[] Sample(
        float[] row, SamplingParameters parameters, int slotCount, out SlateSummary summary, ItemMask? mask = null)
    {
        var slots = new SlateSlot[slotCount];
        summary = NucleusSampler.Sample(row, mask, parameters, slots);
        Assert.All(slots[summary.Count..], slot => Assert.Equal(default, slot));
        return slots[..summary.Count];
    }

    /// <summary>
    /// Same nucleus, same slate, same numbers as the reference; to fewer digits where a row is long enough for passes in single
    /// precision.
    /// </summary>
    public static void MatchesReference(float[] row, SamplingParameters parameters, int slotCount, ItemMask? mask = null)
    {
        var reference = new ReferenceSampler(row, i => mask?.IsExcluded(i) ?? false, parameters);
        var expected = reference.Sample(slotCount);
        var actual = Sample(row, parameters, slotCount, out var summary, mask);
        var greedy = parameters.Strategy == SamplingStrategy.Greedy;
        Assert.Equal(greedy ? expected.Length : reference.NucleusSize, summary.NucleusSize);
        var (ofMass, ofRatio) = row.Length > NucleusSampler.ShortRow ? (1.5e-7, 1e-6) : (1e-12, 1e-11);
        Assert.Equal(greedy ? expected.Sum(s => s.Probability) : reference.NucleusMass, summary.NucleusMass, ofMass);
        Assert.Equal(expected.Select(s => s.Item), actual.Select(s => s.Item));
        for (var i = 0; i < actual.Length; i++)
        {
            Assert.Equal(expected[i].Logit, actual[i].Logit);
            Assert.Equal(expected[i].GreedyFill, actual[i].GreedyFill);
            EqualRelative(expected[i].Probability, actual[i].Probability, ofRatio);
            EqualRelative(expected[i].Propensity, actual[i].Propensity, ofRatio);
        }
    }

    public static void EqualRelative(double expected, double actual, double tolerance = 1e-11) =>
        Assert.True(
            Math.Abs(expected - actual) <= (tolerance * Math.Abs(expected)) + (4 * double.Epsilon), $"{actual:R} is not {expected:R} to a relative {tolerance}");

    /// <summary>
    /// Pearson's chi-square test of counts against probabilities: the normal score (Wilson–Hilferty) of the statistic must
    /// be below 4. Cells expected fewer than 5 times are pooled.
    /// </summary>
    public static void FollowsLaw(IReadOnlyDictionary<int, double> law, IReadOnlyDictionary<int, int> counts)
    {
        Assert.Equal(1, law.Values.Sum(), 1e-9);
        Assert.Empty(counts.Keys.Except(law.Keys));
        var draws = counts.Values.Sum();
        double statistic = 0, rareExpected = 0;
        int cells = 0, rare = 0;
        foreach (var (outcome, probability) in law)
        {
            var (expected, count) = (probability * draws, counts.GetValueOrDefault(outcome));
            if (expected < 5)
            {
                (rareExpected, rare) = (rareExpected + expected, rare + count);
                continue;
            }

            statistic += (count - expected) * (count - expected) / expected;
            cells++;
        }

        if (rareExpected >= 5)
            (statistic, cells) = (statistic + ((rare - rareExpected) * (rare - rareExpected) / rareExpected), cells + 1);
        var freedom = cells - 1.0;
        var score = (Math.Cbrt(statistic / freedom) - 1 + (2 / (9 * freedom))) / Math.Sqrt(2 / (9 * freedom));
        Assert.True(score is < 4 and > -4, $"chi-square {statistic:F1} on {freedom} degrees of freedom: score {score:F2}");
    }
}
