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
/// Linear in N. Pure: the same arguments give the same slate, to the last bit, on any thread and any vector width. In a
/// steady state nothing is allocated.
/// </remarks>
public static class NucleusSampler
{
    /// <summary>
    /// Slack of the threshold: masses this little below p count as p, so that {0.5, 0.4} is the nucleus of
    /// {0.5, 0.4, 0.1} at p = 0.9 although neither 0.9 nor the masses are exact in binary.
    /// </summary>
    public const double MassTolerance = 1e-12;

    /// <summary>Samples a slate.</summary>
    /// <param name="logits">N + 1 logits; column 0 is padding, −∞. −∞ = not eligible.</param>
    /// <param name="mask">Items to leave out, over the same N; null: none.</param>
    /// <param name="parameters">Strategy, top_p, temperature, top_k and seed; already validated.</param>
    /// <param name="slots">Receives the slate in slot order; slots beyond <see cref="SlateSummary.Count"/> are not written.</param>
    /// <returns>Slots written, and size and mass of the nucleus; all 0 if nothing is eligible.</returns>
    /// <exception cref="InvalidLogitsException">An item that is not masked has the logit NaN or +∞.</exception>
    /// <exception cref="ArgumentException">The mask is over another number of items.</exception>
    public static SlateSummary Sample(
        ReadOnlySpan<float> logits, ItemMask? mask, in SamplingParameters parameters, Span<SlateSlot> slots)
    {
        parameters.AssertValid();
        if (mask is not null && mask.ItemCount != logits.Length - 1)
            throw new ArgumentException($"the mask is over {mask.ItemCount} items, the row over {logits.Length - 1}", nameof(mask));
        if (logits.IsEmpty)
            return default;

        using var scratch = SamplerScratch.Rent(logits.Length, slots.Length);
        var eligible = Candidates.Gather(logits, mask, parameters.Temperature, scratch, out var softmax); // 1
        if (eligible.Count == 0)
            return default;
        var window = Window(eligible, parameters.TopK, scratch); // 2
        slots = slots[..Math.Min(slots.Length, window.Count)];
        var prefix = Nucleus(window, parameters, slots.Length, scratch); // 3

        var greedy = parameters.Strategy == SamplingStrategy.Greedy;
        var drawn = greedy ? 0 : Math.Min(prefix.Count, slots.Length);
        if (drawn < slots.Length) // 4, the ranks first: keeping the nucleus alone overwrites the window
            TakeRanks(logits, window, softmax, slots, drawn, greedyFill: !greedy, scratch);
        var nucleus = window.Retain(prefix.Last);
        var mass = Math.Min(1, OrderedSum.Of(nucleus.Weights) / softmax.Total); // before the draws use up the weights
        Draw(logits, nucleus, softmax, parameters.Seed, slots[..drawn], scratch);
        return new SlateSummary(slots.Length, nucleus.Count, mass);
    }

    /// <summary>
    /// ln Σ exp(logit) over the whole row, in double precision: logit − LogSumExp is an item's log-probability. −∞ if the
    /// row is empty or nothing but −∞.
    /// </summary>
    /// <exception cref="InvalidLogitsException">A logit is NaN or +∞.</exception>
    public static double LogSumExp(ReadOnlySpan<float> logits) => Softmax.LogSumExp(logits);

    private static Candidates Window(in Candidates eligible, int topK, in SamplerScratch scratch) =>
        topK == 0 || topK >= eligible.Count
            ? eligible
            : eligible.Retain(RankSelection.Select(eligible, topK, double.PositiveInfinity, scratch.Positions).Last);

    /// <summary>The items that can be drawn; for the greedy strategy those that will be returned.</summary>
    private static RankedPrefix Nucleus(in Candidates window, in SamplingParameters parameters, int slotCount, in SamplerScratch scratch)
    {
        if (parameters.Strategy == SamplingStrategy.Greedy)
            return slotCount == 0 ? default : RankSelection.Select(window, slotCount, double.PositiveInfinity, scratch.Positions);
        if (parameters.Strategy == SamplingStrategy.Full || parameters.TopP == 1)
            return new RankedPrefix(window.Count, ulong.MaxValue); // also the items whose weight underflows
        var mass = (parameters.TopP - MassTolerance) * OrderedSum.Of(window.Weights);
        return RankSelection.Select(window, window.Count, mass, scratch.Positions);
    }

    /// <summary>Fills the slots from <paramref name="first"/> on with the items of these ranks.</summary>
    private static void TakeRanks(
        ReadOnlySpan<float> logits, in Candidates window, in Softmax softmax, Span<SlateSlot> slots, int first, bool greedyFill,
        in SamplerScratch scratch)
    {
        var head = RankSelection.Select(window, slots.Length, double.PositiveInfinity, scratch.Positions);
        var ranks = scratch.Ranks.AsSpan(0, head.Count);
        var found = 0;
        for (var i = 0; i < window.Count; i++)
        {
            var key = RankKey.Of(window.Logits[i], window.Items[i]);
            if (key <= head.Last)
                ranks[found++] = key;
        }

        ranks.Sort();
        for (var slot = first; slot < slots.Length; slot++)
        {
            var item = RankKey.ItemOf(ranks[slot]);
            slots[slot] = new SlateSlot(item, logits[item], softmax.Probability(logits[item]), Propensity: 1, greedyFill);
        }
    }

    private static void Draw(
        ReadOnlySpan<float> logits, in Candidates nucleus, in Softmax softmax, ulong seed, Span<SlateSlot> slots,
        in SamplerScratch scratch)
    {
        var draw = new SlateDraw(nucleus, softmax.Temperature, scratch.BlockSums);
        for (var slot = 0; slot < slots.Length; slot++)
        {
            var item = nucleus.Items[draw.Next(CounterRandom.Uniform(seed, slot), out var propensity)];
            slots[slot] = new SlateSlot(item, logits[item], softmax.Probability(logits[item]), propensity, GreedyFill: false);
        }
    }
}
