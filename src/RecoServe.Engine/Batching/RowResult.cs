using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// What was computed for one row. A view of the batch's memory: dispose it soon, since until then the memory cannot serve
/// another batch.
/// </summary>
/// <param name="output">The batch's memory.</param>
/// <param name="place">The row's place in it; rows of equal input share one.</param>
/// <param name="timings">Where its time went.</param>
/// <param name="read">Called when it is disposed.</param>
internal sealed class RowResult<TOutput>(TOutput output, int place, RowTimings timings, Action? read = null) : IDisposable
    where TOutput : BatchMemory
{
    private int _disposed;

    /// <summary>The batch's memory.</summary>
    internal TOutput Output => output;

    /// <summary>The row's place in it.</summary>
    internal int Place => place;

    internal RowTimings Timings { get; } = timings;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        output.Release();
        read?.Invoke();
    }
}

/// <summary>Where one row's time went.</summary>
/// <param name="Queue">From the row's arrival to the dispatch of its batch.</param>
/// <param name="Batch">The batch's whole run.</param>
/// <param name="Encode">The encoder graph, for the whole batch.</param>
/// <param name="Score">The scorer graph, for the whole batch.</param>
/// <param name="BatchSize">Rows in the batch.</param>
/// <param name="Places">Rows that were computed in it: those of equal input are one.</param>
/// <param name="Length">Cells of its longest row, to which all are padded.</param>
public readonly record struct RowTimings(TimeSpan Queue, TimeSpan Batch, TimeSpan Encode, TimeSpan Score, int BatchSize, int Places, int Length);
