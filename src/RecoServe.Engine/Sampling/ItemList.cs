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
                Debug.Assert(count + Slack <= _logits.Length, "the memory holds all items");
                _ = Compaction.Store(items, Vector512.GreaterThanOrEqual(sixteen, thresholds), ref Unsafe.Add(ref indexes, count));
                count += Compaction.Store(sixteen, Vector512.GreaterThanOrEqual(sixteen, thresholds), ref Unsafe.Add(ref logits, count));
            }
        }

        Count = count;
    }

    /// <summary>The same of several blocks where few are, and it is known where.</summary>
    /// <param name="blocks">The blocks' logits.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <param name="threshold">Above −∞.</param>
    /// <param name="steps">The first item of each step that has one, as <see cref="RowPasses.SumAndFind"/> tells; becomes where its items begin in this list.</param>
    public void AppendFew(scoped ReadOnlySpan<float> blocks, int firstItem, float threshold, scoped Span<int> steps)
    {
        var thresholds = Vector512.Create(threshold);
        ref var start = ref MemoryMarshal.GetReference(blocks);
        ref var logits = ref MemoryMarshal.GetReference(_logits);
        ref var indexes = ref MemoryMarshal.GetReference(_items);
        nint count = Count;
        Debug.Assert(count + (steps.Length * RowPasses.Step) <= _logits.Length, "the memory holds all items");
        foreach (ref var step in steps)
        {
            nint first = step;
            step = (int)count;
            var bits = ThresholdPasses.BitsAtOrAbove(ref Unsafe.Add(ref start, first - firstItem), thresholds);
            var end = count + BitOperations.PopCount(bits);
            do // two at a time, of which the second most often is none: a branch between them would be foretold badly
            {
                Take(ref bits, first, ref start, firstItem, ref Unsafe.Add(ref indexes, count), ref Unsafe.Add(ref logits, count));
                Take(ref bits, first, ref start, firstItem, ref Unsafe.Add(ref indexes, count + 1), ref Unsafe.Add(ref logits, count + 1));
                count += 2;
            }
            while (bits != 0);
            count = end;
        }

        Count = (int)count;
    }

    /// <summary>Appends those of a section, whose items are known, that belong to a prefix of the ranking. The items may share memory with this list.</summary>
    /// <param name="section">Its logits are in memory of their own.</param>
    /// <param name="edge">The logit of the prefix's last item.</param>
    /// <param name="lastTie">The last item of this logit that belongs to it.</param>
    public void Append(scoped in RankSection section, float edge, int lastTie)
    {
        ref var logits = ref MemoryMarshal.GetReference(section.List.Logits);
        ref var items = ref MemoryMarshal.GetReference(section.Items);
        var (edges, lastTies) = (Vector512.Create(edge), Vector512.Create(lastTie));
        var count = Count;
        Debug.Assert(count + section.Items.Length + Slack <= _logits.Length, "the memory holds all items");
        for (var i = 0; i < section.Items.Length; i += Vector512<float>.Count)
        {
            var (logit, item) = (Vector512.LoadUnsafe(ref logits, (nuint)i), Vector512.LoadUnsafe(ref items, (nuint)i));
            var belongs = RankKey.IsInPrefix(logit, item, edges, lastTies)
                & Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(section.Items.Length - i)).AsSingle();
            _ = Compaction.Store(item, belongs, ref _items[count]);
            count += Compaction.Store(logit, belongs, ref _logits[count]);
        }

        Count = count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(ref ulong bits, nint step, ref float blocks, int firstItem, ref int item, ref float logit)
    {
        var taken = step + (BitOperations.TrailingZeroCount(bits) & (RowPasses.Step - 1));
        (item, logit) = ((int)taken, Unsafe.Add(ref blocks, taken - firstItem));
        bits &= bits - 1;
    }
}
