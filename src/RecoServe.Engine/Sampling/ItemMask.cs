using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// The items that may not be in a slate: one bit for each index 0…N. Pooled: <see cref="Rent"/> it, fill it, sample,
/// <see cref="Dispose"/> it; in a steady state nothing is allocated. For one thread at a time.
/// </summary>
public sealed class ItemMask : IDisposable
{
    /// <summary>Items of one word of <see cref="Excluded"/>.</summary>
    internal const int WordBits = 64;

    // A fixed rack of idle masks. When all racks are full the mask is left to the collector; when all are empty one is made.
    private static readonly ItemMask?[] Idle = new ItemMask?[Math.Max(16, 2 * Environment.ProcessorCount)];

    private ulong[] _words = [];
    private int _rented;

    private ItemMask()
    {
    }

    /// <summary>Number of items N.</summary>
    public int ItemCount { get; private set; }

    /// <summary>How many of the items 1…N are not excluded.</summary>
    internal int EligibleCount
    {
        get
        {
            var words = Words;
            var excluded = BitOperations.PopCount(words[^1] << (WordBits - 1 - (ItemCount % WordBits))); // its bits above N have no meaning
            foreach (var word in words[..^1])
                excluded += BitOperations.PopCount(word);
            return ItemCount - excluded + (int)(words[0] & 1);
        }
    }

    /// <summary>One bit for each index 0…N: excluded. Bits above N have no meaning.</summary>
    internal ReadOnlySpan<ulong> Excluded => Words;

    private Span<ulong> Words => _words.AsSpan(0, WordCount(ItemCount + 1));

    /// <summary>A mask over the indexes 0…<paramref name="itemCount"/> that excludes nothing.</summary>
    public static ItemMask Rent(int itemCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(itemCount);
        var mask = TakeIdle() ?? new ItemMask();
        mask._rented = 1;
        mask.ItemCount = itemCount;
        var words = WordCount(itemCount + 1);
        if (mask._words.Length < words)
            mask._words = new ulong[words];
        mask.Words.Clear();
        return mask;
    }

    /// <summary>Excludes one item.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is not in 0…N.</exception>
    public void Exclude(int item) => WordOf(item) |= 1UL << item;

    /// <summary>Excludes items, given in any order.</summary>
    /// <inheritdoc cref="Exclude(int)" path="/exception"/>
    public void Exclude(ReadOnlySpan<int> items)
    {
        foreach (var item in items)
            Exclude(item);
    }

    /// <summary>Excludes whatever <paramref name="other"/> excludes: the eligible items of both remain.</summary>
    /// <exception cref="ArgumentException">The masks are over different numbers of items.</exception>
    public void Exclude(ItemMask other)
    {
        if (other.ItemCount != ItemCount)
            throw new ArgumentException($"a mask over {other.ItemCount} items cannot restrict one over {ItemCount} items", nameof(other));
        var words = Words;
        var others = other.Words;
        for (var i = 0; i < words.Length; i++)
            words[i] |= others[i];
    }

    /// <summary>Excludes every item that is not among <paramref name="items"/>; those keep their state.</summary>
    /// <inheritdoc cref="Exclude(int)" path="/exception"/>
    public void ExcludeAllBut(ReadOnlySpan<int> items)
    {
        using var others = Rent(ItemCount);
        others.ExcludeAll();
        others.Allow(items);
        Exclude(others);
    }

    /// <summary>Excludes every item.</summary>
    public void ExcludeAll() => Words.Fill(ulong.MaxValue);

    /// <summary>Makes one item eligible again.</summary>
    /// <inheritdoc cref="Exclude(int)" path="/exception"/>
    public void Allow(int item) => WordOf(item) &= ~(1UL << item);

    /// <summary>Makes items eligible again, given in any order.</summary>
    /// <inheritdoc cref="Exclude(int)" path="/exception"/>
    public void Allow(ReadOnlySpan<int> items)
    {
        foreach (var item in items)
            Allow(item);
    }

    /// <summary>Exchanges excluded and eligible items.</summary>
    public void Invert()
    {
        foreach (ref var word in Words)
            word = ~word;
    }

    /// <summary>Whether an item is excluded.</summary>
    /// <inheritdoc cref="Exclude(int)" path="/exception"/>
    public bool IsExcluded(int item) => (WordOf(item) & (1UL << item)) != 0;

    /// <summary>Gives the mask back to the pool; it must not be used afterwards. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _rented, 0) == 0)
            return;
        foreach (ref var place in Idle.AsSpan())
        {
            if (Interlocked.CompareExchange(ref place, this, null) is null)
                return;
        }
    }

    /// <summary>Words that hold so many bits.</summary>
    internal static int WordCount(int bits) => (bits + WordBits - 1) / WordBits;

    /// <summary>Writes −∞ wherever a bit is set.</summary>
    /// <param name="excluded">Bits for the first logits, or for all of them.</param>
    /// <param name="logits">The logits.</param>
    internal static void Apply(ReadOnlySpan<ulong> excluded, Span<float> logits)
    {
        for (var w = 0; w < excluded.Length; w++)
        {
            if (excluded[w] == 0)
                continue;
            var row = logits[(w * WordBits)..Math.Min((w + 1) * WordBits, logits.Length)];
            if (row.Length == WordBits)
                Apply(excluded[w], ref MemoryMarshal.GetReference(row));
            else
                ApplyToFew(excluded[w], row);
        }
    }

    /// <summary>To 64 logits, each of which a bit tells of: as fast whatever the bits are.</summary>
    private static void Apply(ulong excluded, ref float logits)
    {
        var lanes = Vector512.Create(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768);
        var never = Vector512.Create(float.NegativeInfinity);
        for (nuint i = 0; i < WordBits; i += (nuint)Vector512<float>.Count)
        {
            var stays = Vector512.Equals(Vector512.Create((int)(excluded >> (int)i)) & lanes, Vector512<int>.Zero).AsSingle();
            Vector512.ConditionalSelect(stays, Vector512.LoadUnsafe(ref logits, i), never).StoreUnsafe(ref logits, i);
        }
    }

    /// <summary>To fewer; bits beyond them are of no items.</summary>
    private static void ApplyToFew(ulong excluded, Span<float> logits)
    {
        for (var item = 0; item < logits.Length; item++)
            logits[item] = (excluded >> item & 1) != 0 ? float.NegativeInfinity : logits[item];
    }

    private static ItemMask? TakeIdle()
    {
        foreach (ref var place in Idle.AsSpan())
        {
            if (Volatile.Read(ref place) is not null && Interlocked.Exchange(ref place, null) is { } mask)
                return mask;
        }

        return null;
    }

    private ref ulong WordOf(int item)
    {
        Debug.Assert(_rented == 1, "a mask is not used after Dispose");
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)item, (uint)ItemCount, nameof(item));
        return ref _words[item / WordBits];
    }
}
