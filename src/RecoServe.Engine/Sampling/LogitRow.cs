using System.Diagnostics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// One row of N + 1 logits as blocks of <see cref="BlockLength"/>, without copying it: only a block that is incomplete, or
/// in which an item is excluded, is copied, so that whoever reads blocks knows neither tails nor masks. Column 0 reads as −∞.
/// </summary>
internal readonly ref struct LogitRow
{
    /// <summary>Logits in a block.</summary>
    public const int BlockLength = 1024;

    private readonly ReadOnlySpan<ulong> _excluded;

    /// <summary>A row, and the bits of the items to leave out; no bits: none.</summary>
    public LogitRow(ReadOnlySpan<float> logits, ItemMask? mask)
    {
        Debug.Assert(logits.IsEmpty || float.IsNegativeInfinity(logits[0]), "column 0 of the logits is −∞");
        Logits = logits;
        _excluded = mask is null ? default : mask.Excluded;
    }

    /// <summary>The logits as the model gave them, excluded items included.</summary>
    public ReadOnlySpan<float> Logits { get; }

    /// <summary>Number of blocks.</summary>
    public int BlockCount => (Logits.Length + BlockLength - 1) / BlockLength;

    /// <summary>
    /// The logits of one block, always <see cref="BlockLength"/> of them, with −∞ for what is no eligible item.
    /// </summary>
    /// <param name="block">0…BlockCount − 1.</param>
    /// <param name="buffer">Memory for a copy, of <see cref="BlockLength"/>.</param>
    public ReadOnlySpan<float> Block(int block, Span<float> buffer)
    {
        if (IsWhole(block))
            return Logits.Slice(block * BlockLength, BlockLength);
        var logits = Logits[(block * BlockLength)..];
        logits = logits[..Math.Min(BlockLength, logits.Length)];
        buffer = buffer[..BlockLength];
        logits.CopyTo(buffer);
        buffer[logits.Length..].Fill(float.NegativeInfinity);
        if (block == 0)
            buffer[0] = float.NegativeInfinity;
        ItemMask.Apply(Excluded(block), buffer);
        return buffer;
    }

    /// <summary>The same of one block and of those after it that need not be copied either.</summary>
    /// <param name="first">The block.</param>
    /// <param name="end">The one after the last that may follow; above <paramref name="first"/>.</param>
    /// <param name="buffer">Memory for a copy of one, of <see cref="BlockLength"/>.</param>
    public ReadOnlySpan<float> Blocks(int first, int end, Span<float> buffer)
    {
        if (!IsWhole(first))
            return Block(first, buffer);
        var next = first + 1;
        while (next < end && IsWhole(next))
            next++;
        return Logits[(first * BlockLength)..(next * BlockLength)];
    }

    /// <summary>The bits of 32 logits from <paramref name="start"/>, a multiple of 32, that are excluded.</summary>
    public uint ExcludedBits(int start) =>
        _excluded.IsEmpty ? 0 : (uint)(_excluded[start / ItemMask.WordBits] >> (start % ItemMask.WordBits));

    private bool IsWhole(int block) =>
        Logits.Length - (block * BlockLength) >= BlockLength && (block > 0 || float.IsNegativeInfinity(Logits[0])) && !Excluded(block).ContainsAnyExcept(0UL);

    private ReadOnlySpan<ulong> Excluded(int block)
    {
        const int Words = BlockLength / ItemMask.WordBits;
        return _excluded.IsEmpty ? default : _excluded[(block * Words)..Math.Min((block + 1) * Words, _excluded.Length)];
    }
}
