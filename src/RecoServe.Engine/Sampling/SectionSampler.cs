namespace RecoServe.Engine.Sampling;

/// <summary>
/// Chooses a slate once it is known in which section of a row's ranking the items end that it is chosen from: few are listed and handed to the
/// <see cref="CandidateSampler"/>, from many is drawn block by block (<see cref="BlockDraw"/>).
/// </summary>
internal readonly struct SectionSampler(RowScratch scratch, SamplingParameters parameters, Softmax softmax)
{
    /// <summary>Up to this size a nucleus is listed to draw from it.</summary>
    private const int SmallNucleus = 64;

    /// <summary>The same where its items are listed already.</summary>
    private const int ListedNucleus = 512;

    private readonly RowScratch _scratch = scratch;
    private readonly SamplingParameters _parameters = parameters;
    private readonly Softmax _softmax = softmax;

    /// <summary>Draws from a nucleus that ends in a section.</summary>
    public bool TryDraw(scoped ref RowScan scan, in PrefixCut cut, in RankSection section, Span<SlateSlot> slots, out SlateSummary summary)
    {
        var list = section.List;
        var all = cut.Ties == cut.AllTies;
        var lastTie = all ? int.MaxValue : list.PositionOf(cut.Edge, cut.Ties);
        var lastItem = all ? int.MaxValue : section.Items.IsEmpty ? scan.ItemAt(list, lastTie) : section.Items[lastTie];
        var known = new RankedPrefix(cut.Count, RankKey.Of(cut.Edge, lastItem));
        if (slots.Length > cut.Count)
        {
            summary = SampleRanks(scan, section, slots.Length, known, slots);
            return true;
        }

        if (cut.Count <= (section.Items.IsEmpty ? SmallNucleus : ListedNucleus))
        {
            summary = SampleList(scan, section, cut.Edge, lastItem, known, slots);
            return true;
        }

        scan.SetMasses(section.High);
        scan.AddToMasses(list, cut.Edge, lastTie);
        summary = new SlateSummary(slots.Length, cut.Count, Math.Min(1, cut.Mass / _softmax.Total));
        return new BlockDraw(scan.Row, scan.Single, _softmax, known.Last, scan.Masses, _scratch.BlockWeights).TryFill(_parameters.Seed, slots);
    }

    /// <summary>Samples from the most probable items, <paramref name="count"/> of them or all there are.</summary>
    public SlateSummary SampleRanks(scoped in RowScan scan, in RankSection section, int count, RankedPrefix? known, Span<SlateSlot> slots)
    {
        var list = section.List;
        var (low, high, ranks) = (section.Low, section.High, count - section.Above);
        if (ranks > list.Count)
        {
            scan.List(ref list, float.MinValue, float.PositiveInfinity);
            (low, high, ranks) = (float.MinValue, float.PositiveInfinity, count);
        }

        if (ranks >= list.Count)
            return SampleList(scan, section, low, int.MaxValue, known, slots);
        list.WeighEqually();
        var cut = PrefixSelection.Select(list, low, high, ranks, Softmax.Ones, _scratch.Selection());
        return SampleList(scan, section, cut.Edge, int.MaxValue, known, slots);
    }

    /// <summary>Samples from the items at or above a threshold, and of those at the threshold no further than the last tie.</summary>
    private SlateSummary SampleList(scoped in RowScan scan, in RankSection section, float threshold, int lastTie, RankedPrefix? known, Span<SlateSlot> slots)
    {
        var items = _scratch.Items();
        if (section.Items.IsEmpty || threshold < section.Low)
            scan.List(ref items, threshold, lastTie);
        else
            items.Append(section, threshold, lastTie);
        using var memory = SamplerScratch.Rent(items.Count, slots.Length);
        items.Items.CopyTo(memory.Items);
        items.Logits.CopyTo(memory.Logits);
        var candidates = Candidates.Of(items.Count, _softmax.Reference, _softmax.Temperature, memory);
        return CandidateSampler.Sample(candidates, _softmax, _parameters, known, slots, memory);
    }
}
