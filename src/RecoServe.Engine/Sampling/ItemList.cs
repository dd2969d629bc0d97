using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>Some of a row's items with their logits, in index order, in memory that is longer than they are.</summary>
internal ref struct ItemList
{
    /// <summary>Elements that the memory must have beyond the items.</summary>
    public const int Slack = Compaction.Slack;

    private readonly Span<float> _logits;
    private readonly Span<int> _items;

    /// <summary>An empty list in memory that holds the items and <see cref="Slack"/> more.</summary>
    public ItemList(Span<float> logits, Span<int> items)
    {
        Debug.Assert(logits.Length == items.Length, "a logit for each item");
        _logits = logits;
        _items = items;
    }

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>The logits.</summary>
    public readonly ReadOnlySpan<float> Logits => _logits[..Count];

    /// <summary>Item indexes, ascending.</summary>
    public readonly ReadOnlySpan<int> Items => _items[..Count];

    /// <summary>Forgets the items.</summary>
    public void Clear() => Count = 0;

    /// <summary>Appends the logits at or above a threshold of a block of the row.</summary>
    /// <param name="block">The block's logits, a multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <param name="threshold">Above −∞.</param>
    public void Append(scoped ReadOnlySpan<float> block, int firstItem, float threshold)
    {
        var thresholds = Vector512.Create(threshold);
        ref var start = ref MemoryMarshal.GetReference(block);
        ref var logits = ref MemoryMarshal.GetReference(_logits);
        ref var indexes = ref MemoryMarshal.GetReference(_items);
        var count = Count;
        Debug.Assert(count + block.Length <= _logits.Length, "the memory holds all items");
        for (var i = 0; i < block.Length; i += RowPasses.Step)
        {
            // Often none of them.
            var (a, b) = (Vector512.LoadUnsafe(ref start, (nuint)i), Vector512.LoadUnsafe(ref start, (nuint)i + 16));
            var (c, d) = (Vector512.LoadUnsafe(ref start, (nuint)i + 32), Vector512.LoadUnsafe(ref start, (nuint)i + 48));
            if (!Vector512.GreaterThanOrEqualAny(Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)), thresholds))
                continue;
            for (var j = i; j < i + RowPasses.Step; j += Vector512<float>.Count)
            {
                var sixteen = Vector512.LoadUnsafe(ref start, (nuint)j);
                var items = Vector512<int>.Indices + Vector512.Create(firstItem + j);
                _ = Compaction.Store(items, Vector512.GreaterThanOrEqual(sixteen, thresholds), ref Unsafe.Add(ref indexes, count));
                count += Compaction.Store(sixteen, Vector512.GreaterThanOrEqual(sixteen, thresholds), ref Unsafe.Add(ref logits, count));
            }
        }

        Count = count;
    }

    /// <summary>The same where few are, and it is known where.</summary>
    /// <param name="block">The block's logits.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <param name="threshold">Above −∞.</param>
    /// <param name="steps">Where those steps begin that have one: as <see cref="RowPasses.SumAndFind"/> tells.</param>
    public void AppendFew(scoped ReadOnlySpan<float> block, int firstItem, float threshold, scoped ReadOnlySpan<int> steps)
    {
        var thresholds = Vector512.Create(threshold);
        ref var start = ref MemoryMarshal.GetReference(block);
        ref var logits = ref MemoryMarshal.GetReference(_logits);
        ref var indexes = ref MemoryMarshal.GetReference(_items);
        var count = Count;
        Debug.Assert(count + (steps.Length * RowPasses.Step) <= _logits.Length, "the memory holds all items");
        foreach (var first in steps)
        {
            var bits = ThresholdPasses.BitsAtOrAbove(ref Unsafe.Add(ref start, first), thresholds);
            do // most often once
            {
                var i = first + BitOperations.TrailingZeroCount(bits);
                Unsafe.Add(ref indexes, count) = firstItem + i;
                Unsafe.Add(ref logits, count) = Unsafe.Add(ref start, i);
                count++;
                bits &= bits - 1;
            }
            while (bits != 0);
        }

        Count = count;
    }

    /// <summary>Appends those of a section, whose items are known, that are ranked up to the one with a key. The items may share memory with this list.</summary>
    public void Append(scoped in RankSection section, ulong last)
    {
        var items = section.Items;
        var logits = section.List.Logits;
        for (var i = 0; i < items.Length; i++)
        {
            var (item, logit) = (items[i], logits[i]);
            _items[Count] = item;
            _logits[Count] = logit;
            Count += RankKey.Of(logit, item) <= last ? 1 : 0;
        }
    }
}
