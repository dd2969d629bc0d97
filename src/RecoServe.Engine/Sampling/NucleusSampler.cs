namespace RecoServe.Engine.Sampling;

/// <summary>
/// Chooses a slate from one row of logits. The nucleus (Holtzman et al. 2020, section 3.1) is the smallest set of most
/// probable items whose softmax mass reaches p; the slate is drawn from it without replacement (Plackett–Luce), and every
/// slot carries the exact probability of its choice.
/// </summary>
/// <remarks>
/// <para>1. Mask and temperature: softmax over the eligible items, those not masked and with a logit above −∞.</para>
/// <para>2. top_k: the k most probable remain. Always, of equal logits the lower index is the more probable.</para>
/// <para>3. top_p: of these, renormalised, the n = min{k : cumulative mass ≥ p} most probable are the nucleus.</para>
/// <para>4. Slots: drawn from the nucleus; then, if there are more slots, the next ranks in order (greedy fill).</para>
/// Linear in N. In a row longer than <see cref="ShortRow"/> the relative error is at most 3e-7 in a probability and 1e-6 in a
/// propensity, for sums are made in single precision. Pure: the same arguments give the same slate, to the last bit, on any
/// thread and any vector width. In a steady state nothing is allocated; each thread keeps memory for its longest row.
/// </remarks>
public static class NucleusSampler
{
    /// <summary>
    /// Slack of the threshold: masses this little below p count as p, so that {0.5, 0.4} is the nucleus of
    /// {0.5, 0.4, 0.1} at p = 0.9 although neither 0.9 nor the masses are exact in binary.
    /// </summary>
    public const double MassTolerance = 1e-12;

    /// <summary>Up to this length a row is sampled in double precision: passes in single precision have nothing to win.</summary>
    internal const int ShortRow = 2048;

    /// <summary>Samples a slate.</summary>
    /// <param name="logits">N + 1 logits; column 0 is padding and never drawn. −∞ = not eligible.</param>
    /// <param name="mask">Items to leave out, over the same N; null: none.</param>
    /// <param name="parameters">Strategy, top_p, temperature, top_k and seed.</param>
    /// <param name="slots">Receives the slate in slot order; slots beyond <see cref="SlateSummary.Count"/> are not written.</param>
    /// <returns>Slots written, and size and mass of the nucleus; all 0 if nothing is eligible.</returns>
    /// <exception cref="InvalidLogitsException">An item that is not masked has the logit NaN or +∞.</exception>
    /// <exception cref="ArgumentException">The mask is over another number of items, or a parameter out of range.</exception>
    public static SlateSummary Sample(
        ReadOnlySpan<float> logits, ItemMask? mask, in SamplingParameters parameters, Span<SlateSlot> slots)
    {
        parameters.RequireValid();
        var items = Math.Max(0, logits.Length - 1);
        if (mask is not null && mask.ItemCount != items)
            throw new ArgumentException($"the mask is over {mask.ItemCount} items, the row over {items}", nameof(mask));
        if (items == 0)
            return default;

        var row = new LogitRow(logits, mask);
        return logits.Length > ShortRow && SingleWeights.Supports(parameters.Temperature)
            ? StreamingSampler.Sample(row, parameters, slots)
            : SampleWhole(row, parameters, slots);
    }

    /// <summary>
    /// ln Σ exp(logit) over the whole row, in double precision: logit − LogSumExp is an item's log-probability. −∞ if the
    /// row is empty or nothing but −∞.
    /// </summary>
    /// <exception cref="InvalidLogitsException">A logit is NaN or +∞.</exception>
    public static double LogSumExp(ReadOnlySpan<float> logits) => Softmax.LogSumExp(logits);

    /// <summary>In double precision throughout: what is best for a short row, and possible for every row.</summary>
    internal static SlateSummary SampleWhole(in LogitRow row, in SamplingParameters parameters, Span<SlateSlot> slots)
    {
        using var scratch = SamplerScratch.Rent(row.Logits.Length, slots.Length);
        var eligible = Candidates.OfRow(row, parameters.Temperature, scratch, out var softmax);
        return CandidateSampler.Sample(eligible, softmax, parameters, known: null, slots, scratch);
    }
}
