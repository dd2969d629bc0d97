using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Items with their logits, in index order, in memory that is longer than they are: passes read it in whole steps, and the
/// rest of the last step is −∞.
/// </summary>
[SkipLocalsInit]
internal ref struct ItemList
{
    private readonly Span<float> _logits;
    private readonly Span<int> _items;

    /// <summary>An empty list in memory that holds the items and <see cref="Slack"/> more.</summary>
    public ItemList(Span<float> logits, Span<int> items)
    {
        Debug.Assert(logits.Length == items.Length, "a logit for each item");
        _logits = logits;
        _items = items;
    }

    /// <summary>Elements that the memory must have beyond the items.</summary>
    public const int Slack = RowPasses.Step;

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>The logits.</summary>
    public readonly Span<float> Logits => _logits[..Count];

    /// <summary>Item indexes, ascending.</summary>
    public readonly Span<int> Items => _items[..Count];

    /// <summary>The logits and what fills the last step. Valid after <see cref="Pad"/>.</summary>
    public readonly ReadOnlySpan<float> Padded => _logits[..((Count + RowPasses.Step - 1) / RowPasses.Step * RowPasses.Step)];

    /// <summary>Forgets the items.</summary>
    public void Clear() => Count = 0;

    /// <summary>Appends logits whose items do not matter; returns where they stand.</summary>
    public Span<float> Extend(scoped ReadOnlySpan<float> logits)
    {
        var added = _logits.Slice(Count, logits.Length);
        logits.CopyTo(added);
        Count += logits.Length;
        return added;
    }

    /// <summary>Appends the logits in [low, high) of a block of the row.</summary>
    /// <param name="block">The block's logits.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <returns>How many logits of the block are at or above <paramref name="high"/>.</returns>
    public int Append(scoped ReadOnlySpan<float> block, int firstItem, float low, float high)
    {
        var above = 0;
        Span<int> positions = stackalloc int[LogitRow.BlockLength + 8];
        var found = RowPasses.Find(block, low, high, positions, ref above);
        Take(block, positions[..found], firstItem);
        return above;
    }

    /// <summary>Appends the logits in [low, high) of a block of the row, and sums the weights of the block.</summary>
    /// <param name="block">The block's logits.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <param name="single">The weights.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    public PassSums AppendAndSum(
        scoped ReadOnlySpan<float> block, int firstItem, float low, float high, in SingleWeights single, ref int above)
    {
        Span<int> positions = stackalloc int[LogitRow.BlockLength + 8];
        var sums = RowPasses.SumAndFind(block, single, low, high, positions, out var found, ref above);
        Take(block, positions[..found], firstItem);
        return sums;
    }

    /// <summary>
    /// Appends those of another list's items whose logits are in [low, high). The other list may be this one's memory, read
    /// from the start while this one is written from the start.
    /// </summary>
    /// <inheritdoc cref="Append(ReadOnlySpan{float}, int, float, float)"/>
    public int Append(scoped in ItemList source, float low, float high)
    {
        var above = 0;
        Span<int> positions = stackalloc int[LogitRow.BlockLength + 8];
        for (var start = 0; start < source.Count; start += LogitRow.BlockLength)
        {
            var logits = source.Padded[start..Math.Min(start + LogitRow.BlockLength, source.Padded.Length)];
            var found = RowPasses.Find(logits, low, high, positions, ref above);
            foreach (var position in positions[..found])
            {
                _logits[Count] = source._logits[start + position];
                _items[Count++] = source._items[start + position];
            }
        }

        return above;
    }

    /// <summary>Sums the weights of those elements that belong to the prefix of a ranking.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="last">The <see cref="RankKey"/> of the prefix's last item.</param>
    /// <param name="single">The weights.</param>
    public readonly double SumOfPrefix(int start, int end, ulong last, in SingleWeights single)
    {
        var (reference, scale, scaleError, least, most) = single;
        var (edge, lastTie) = (Vector512.Create(RankKey.LogitOf(last)), Vector512.Create(RankKey.ItemOf(last)));
        var sum = Vector512<float>.Zero;
        for (var i = start; i < end; i += Vector512<float>.Count)
        {
            var logits = Vector512.LoadUnsafe(ref _logits[i]);
            var belongs = RankKey.IsInPrefix(logits, Vector512.LoadUnsafe(ref _items[i]), edge, lastTie)
                & Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(end - i)).AsSingle();
            sum += belongs & SingleWeights.Of(logits, reference, scale, scaleError, least, most);
        }

        return RowPasses.Sum(sum);
    }

    private void Take(scoped ReadOnlySpan<float> block, scoped ReadOnlySpan<int> positions, int firstItem)
    {
        var logits = _logits[Count..];
        var items = _items[Count..];
        for (var i = 0; i < positions.Length; i++)
        {
            logits[i] = block[positions[i]];
            items[i] = firstItem + positions[i];
        }

        Count += positions.Length;
    }

    /// <summary>Fills the last step. To be called before the list is read by a pass.</summary>
    public readonly void Pad() => _logits[Count..Padded.Length].Fill(float.NegativeInfinity);
}
