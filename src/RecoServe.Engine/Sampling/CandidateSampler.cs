namespace RecoServe.Engine.Sampling;

/// <summary>
/// Chooses a slate from a list of candidates in double precision, which need be no more of the row than the slate can come
/// from. Linear in the candidates.
/// </summary>
internal static class CandidateSampler
{
    /// <summary>Samples a slate.</summary>
    /// <param name="eligible">
    /// The most probable items of the row: all that top_k, nucleus and slots can reach. Used up.
    /// </param>
    /// <param name="softmax">Over the whole row.</param>
    /// <param name="parameters">As given.</param>
    /// <param name="known">The nucleus, if it has been found before; else it is found among the candidates, of which there must then be all.</param>
    /// <param name="slots">Receives the slate.</param>
    /// <param name="scratch">Memory for as many items.</param>
    public static SlateSummary Sample(
        in Candidates eligible, in Softmax softmax, in SamplingParameters parameters, RankedPrefix? known, Span<SlateSlot> slots,
        in SamplerScratch scratch)
    {
        if (eligible.Count == 0)
            return default;
        var window = Window(eligible, parameters.TopK, scratch);
        slots = slots[..Math.Min(slots.Length, window.Count)];
        var prefix = known ?? Nucleus(window, parameters, slots.Length, scratch);

        var greedy = parameters.Strategy == SamplingStrategy.Greedy;
        var drawn = greedy ? 0 : Math.Min(prefix.Count, slots.Length);
        if (drawn < slots.Length) // the ranks first: keeping the nucleus alone overwrites the window
            TakeRanks(window, softmax, slots, drawn, greedyFill: !greedy, scratch);
        var nucleus = window.Retain(prefix.Last);
        var mass = Math.Min(1, OrderedSum.Of(nucleus.Weights) / softmax.Total); // before the draws use up the weights
        Draw(nucleus, softmax, parameters.Seed, slots[..drawn], scratch);
        return new SlateSummary(slots.Length, nucleus.Count, mass);
    }

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
        var mass = (parameters.TopP - NucleusSampler.MassTolerance) * OrderedSum.Of(window.Weights);
        return RankSelection.Select(window, window.Count, mass, scratch.Positions);
    }

    /// <summary>Fills the slots from <paramref name="first"/> on with the items of these ranks.</summary>
    private static void TakeRanks(
        in Candidates window, in Softmax softmax, Span<SlateSlot> slots, int first, bool greedyFill, in SamplerScratch scratch)
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
            var logit = RankKey.LogitOf(ranks[slot]);
            slots[slot] = new SlateSlot(RankKey.ItemOf(ranks[slot]), logit, softmax.Probability(logit), Propensity: 1, greedyFill);
        }
    }

    private static void Draw(
        in Candidates nucleus, in Softmax softmax, ulong seed, Span<SlateSlot> slots, in SamplerScratch scratch)
    {
        var draw = new SlateDraw(nucleus, softmax.Temperature, scratch.BlockSums);
        for (var slot = 0; slot < slots.Length; slot++)
        {
            var position = draw.Next(CounterRandom.Uniform(seed, slot), out var logit, out var propensity);
            slots[slot] = new SlateSlot(nucleus.Items[position], logit, softmax.Probability(logit), propensity, GreedyFill: false);
        }
    }
}
