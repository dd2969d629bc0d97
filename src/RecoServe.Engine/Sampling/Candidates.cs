using System.Diagnostics;

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

    /// <summary>exp((logit − max) / temperature).</summary>
    public Span<double> Weights { get; } = weights;

    /// <summary>The columns.</summary>
    public void Deconstruct(out Span<int> items, out Span<float> logits, out Span<double> weights)
    {
        items = Items;
        logits = Logits;
        weights = Weights;
    }

    /// <summary>The eligible items of a row: not masked, and logit above −∞. Column 0, the padding, is never an item.</summary>
    /// <exception cref="InvalidLogitsException">An item that is not masked has the logit NaN or +∞.</exception>
    public static Candidates Gather(
        ReadOnlySpan<float> row, ItemMask? mask, double temperature, in SamplerScratch scratch, out Softmax softmax)
    {
        Debug.Assert(float.IsNegativeInfinity(row[0]), "column 0 of the logits is −∞");
        var logits = scratch.Logits.AsSpan(0, row.Length);
        row.CopyTo(logits);
        logits[0] = float.NegativeInfinity;
        mask?.Apply(logits);
        var max = Softmax.MaxOf(logits);

        var items = scratch.Items.AsSpan(0, row.Length);
        var count = 0;
        for (var item = 1; item < logits.Length; item++)
        {
            items[count] = item;
            logits[count] = logits[item];
            count += logits[item] > float.NegativeInfinity ? 1 : 0;
        }

        var weights = scratch.Weights.AsSpan(0, count);
        Softmax.Weigh(logits[..count], max, temperature, weights);
        softmax = new Softmax(max, temperature, OrderedSum.Of(weights));
        return new Candidates(items[..count], logits[..count], weights);
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
