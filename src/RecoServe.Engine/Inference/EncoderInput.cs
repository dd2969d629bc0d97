using System.Runtime.InteropServices;

namespace RecoServe.Engine.Inference;

/// <summary>What the encoder reads for one row.</summary>
/// <param name="History">Item indexes 1…N, oldest first, at most the model's MaxHistory; may be empty.</param>
/// <param name="Context">One code a context field of the model, 0 = unknown.</param>
/// <param name="Gaps">A <see cref="TimeGap"/> code a watch of the history, for models that read them; empty if all are unknown.</param>
/// <param name="HistoryContext">Row-major [watches, fields], for models that read them: codes as in <paramref name="Context"/>; empty if all are unknown.</param>
public readonly record struct EncoderInput(
    ReadOnlyMemory<int> History, ReadOnlyMemory<int> Context, ReadOnlyMemory<int> Gaps = default, ReadOnlyMemory<int> HistoryContext = default)
    : IRowInput<EncoderInput>
{
    /// <summary>Cells that the row fills of an input tensor, the start marker included.</summary>
    public int Length => History.Length + 1;

    /// <summary>Memory that it holds.</summary>
    public long Bytes => sizeof(int) * ((long)History.Length + Context.Length + Gaps.Length + HistoryContext.Length);

    /// <inheritdoc/>
    public bool Joins(EncoderInput other) => true;

    /// <summary>By content: equal inputs have the same user state.</summary>
    public bool Equals(EncoderInput other) =>
        History.Span.SequenceEqual(other.History.Span) && Context.Span.SequenceEqual(other.Context.Span)
        && Gaps.Span.SequenceEqual(other.Gaps.Span) && HistoryContext.Span.SequenceEqual(other.HistoryContext.Span);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(MemoryMarshal.AsBytes(History.Span));
        hash.AddBytes(MemoryMarshal.AsBytes(Context.Span));
        hash.AddBytes(MemoryMarshal.AsBytes(Gaps.Span));
        hash.AddBytes(MemoryMarshal.AsBytes(HistoryContext.Span));
        return hash.ToHashCode();
    }
}
