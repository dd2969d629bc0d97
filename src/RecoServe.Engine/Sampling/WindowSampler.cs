using System.Numerics.Tensors;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Chooses a slate from a <see cref="LogitWindow"/> where that holds all that the slate can come from, so that the row itself
/// need not be moved. It is then the slate that <see cref="NucleusSampler"/> chooses from the row.
/// </summary>
/// <remarks>
/// <para>1. A window that is the whole row is sampled as such.</para>
/// <para>2. Any other is known only above its lowest logit: items with that same logit may be outside.</para>
/// <para>3. As many items as there are slots must lie there; and all of the top_k or, in the nucleus strategy with p below 1,
/// the nucleus. (So a window for a top_k should have one item more.)</para>
/// <para>4. The nucleus must end with the same item whatever the normaliser is, within its error.</para>
/// In double precision throughout. Pure, as <see cref="NucleusSampler"/> is; in a steady state nothing is allocated.
/// </remarks>
public static class WindowSampler
{
    /// <summary>Bound on the relative error of a sum of weights in double precision.</summary>
    internal const double SumError = 1e-13;

    /// <summary>The distance from 1 to the next double.</summary>
    private const double Epsilon = 1.0 / (1L << 52);

    /// <summary>Samples a slate if the window covers it.</summary>
    /// <param name="window">The window; its <see cref="LogitWindow.LogSumExp"/> is that of the parameters' temperature.</param>
    /// <param name="parameters">Strategy, top_p, temperature, top_k and seed.</param>
    /// <param name="slots">Receives the slate in slot order; slots beyond <see cref="SlateSummary.Count"/> are not written.</param>
    /// <param name="summary">Slots written, and size and mass of the nucleus; all 0 if nothing is eligible.</param>
    /// <returns>False if the full row is needed; no slot is then written.</returns>
    /// <exception cref="InvalidLogitsException">A logit is NaN or +∞.</exception>
    /// <exception cref="ArgumentException">
    /// An eligible item is below 1 or stands twice; more items are eligible than the row is said to have; the sum is not
    /// finite although there are some, below what the window alone has, or above what the items outside can add to that.
    /// </exception>
    public static bool TrySample(
        in LogitWindow window, in SamplingParameters parameters, Span<SlateSlot> slots, out SlateSummary summary)
    {
        parameters.RequireValid();
        summary = default;
        using var scratch = SamplerScratch.Rent(window.Items.Length, Math.Max(window.Items.Length, slots.Length));
        var candidates = window.Eligible(parameters.Temperature, scratch);
        if (candidates.Count > window.EligibleCount)
            throw new ArgumentException($"{candidates.Count} items of the window are eligible, {window.EligibleCount} of the row");
        if (candidates.Count == 0)
            return IsNothingEligible(window);

        var edge = TensorPrimitives.Min<float>(candidates.Logits);
        var softmax = SoftmaxOf(window, candidates, edge, parameters.Temperature, out var error);
        RankedPrefix? nucleus = null;
        if (candidates.Count < window.EligibleCount) // else 1
        {
            var top = new WindowTop(candidates, edge, softmax, error);
            if (!top.Covers(parameters, slots.Length, window.EligibleCount, scratch, out nucleus))
                return false;
            candidates = top.Candidates;
        }

        summary = CandidateSampler.Sample(candidates, softmax, parameters, nucleus, slots, scratch);
        return true;
    }

    /// <summary>What a window without eligible items says: an empty slate, or nothing.</summary>
    private static bool IsNothingEligible(in LogitWindow window)
    {
        if (double.IsNegativeInfinity(window.LogSumExp))
            return true;
        if (window.EligibleCount == 0 || !double.IsFinite(window.LogSumExp))
            throw new ArgumentException($"the window has no eligible item, and the sum is {window.LogSumExp}");
        return false;
    }

    /// <summary>The softmax over the row.</summary>
    /// <param name="window">The window.</param>
    /// <param name="candidates">Its eligible items.</param>
    /// <param name="edge">The lowest logit among them.</param>
    /// <param name="temperature">The temperature.</param>
    /// <param name="error">Bound on the relative error of the total.</param>
    private static Softmax SoftmaxOf(in LogitWindow window, in Candidates candidates, float edge, double temperature, out double error)
    {
        double reference = TensorPrimitives.Max<float>(candidates.Logits);
        var softmax = new Softmax(reference, temperature, OrderedSum.Of(candidates.Weights));
        var offset = reference / temperature;
        var logTotal = window.LogSumExp - offset;
        if (!double.IsFinite(logTotal))
            throw new ArgumentException($"the sum is {window.LogSumExp}, and the largest logit / temperature {offset}");

        error = window.LogSumExpError + SumError + (Epsilon * (Math.Abs(window.LogSumExp) + Math.Abs(offset)));
        var least = Math.Log(softmax.Total);
        if (logTotal < least - error)
            throw new ArgumentException($"the sum is {window.LogSumExp}, that of the window alone {offset + least}");
        var outside = window.EligibleCount - candidates.Count;
        var most = Math.Log(softmax.Total + (outside * softmax.Weight(edge)));
        if (logTotal > most + error)
            throw new ArgumentException($"the sum is {window.LogSumExp}; with {outside} items outside it can be {offset + most} at most");
        return outside == 0 ? softmax : softmax with { Total = Math.Max(softmax.Total, Exponential.Of(logTotal)) };
    }
}
