namespace RecoServe.Engine.Sampling;

/// <summary>Items in index order with their logits and weights, in the arrays of a <see cref="SamplerScratch"/>.</summary>
internal readonly ref struct Candidates(Span<int> items, Span<float> logits, Span<double> weights)
{
    /// <summary>How many.</summary>
    public int Count => Items.Length;

    /// <summary>Item indexes, ascending.</summary>
    public Span<int> Items { get; } = items;

    /// <summary>Logits, before temperature.</summary>
    public Span<float> Logits { get; } = logits;

    /// <summary>exp((logit − reference) / temperature), see <see cref="Softmax"/>.</summary>
    public Span<double> Weights { get; } = weights;

    /// <summary>The columns.</summary>
    public void Deconstruct(out Span<int> items, out Span<float> logits, out Span<double> weights)
    {
        items = Items;
        logits = Logits;
        weights = Weights;
    }

    /// <summary>All eligible items of a row: not excluded, and with a logit above −∞; and their softmax.</summary>
    /// <exception cref="InvalidLogitsException">An item that is not excluded has the logit NaN or +∞.</exception>
    public static Candidates OfRow(in LogitRow row, double temperature, in SamplerScratch scratch, out Softmax softmax)
    {
        var list = new ItemList(scratch.Logits, scratch.Items);
        var max = float.NegativeInfinity;
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        for (var block = 0; block < row.BlockCount; block++)
        {
            var first = block * LogitRow.BlockLength;
            var logits = row.Block(block, buffer);
            max = Math.Max(max, Softmax.MaxOf(logits, first));
            list.Append(logits, first, float.MinValue);
        }

        if (list.Count == 0)
        {
            softmax = default;
            return default;
        }

        var candidates = Of(list.Count, max, temperature, scratch);
        softmax = new Softmax(max, temperature, OrderedSum.Of(candidates.Weights));
        return candidates;
    }

    /// <summary>Items that stand, with their logits, in the scratch memory: their weights are added.</summary>
    public static Candidates Of(int count, double reference, double temperature, in SamplerScratch scratch)
    {
        var logits = scratch.Logits.AsSpan(0, count);
        var weights = scratch.Weights.AsSpan(0, count);
        Softmax.Weigh(logits, reference, temperature, weights);
        return new Candidates(scratch.Items.AsSpan(0, count), logits, weights);
    }

    /// <summary>
    /// Keeps the candidates ranked up to the one with the key <paramref name="last"/>. Works in place: this set must not be
    /// read afterwards.
    /// </summary>
    public Candidates Retain(ulong last)
    {
        var (items, logits, weights) = this;
        var count = 0;
        for (var i = 0; i < items.Length; i++)
        {
            var (item, logit) = (items[i], logits[i]);
            items[count] = item;
            logits[count] = logit;
            weights[count] = weights[i];
            count += RankKey.Of(logit, item) <= last ? 1 : 0;
        }

        return new Candidates(items[..count], logits[..count], weights[..count]);
    }
}
