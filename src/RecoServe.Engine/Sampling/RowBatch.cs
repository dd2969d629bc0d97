using System.Diagnostics.CodeAnalysis;

namespace RecoServe.Engine.Sampling;

/// <summary>The rows of one call of <see cref="BatchSampler"/>, handed out one by one to the threads that ask for them.</summary>
[SuppressMessage("Design", "CA1001", Justification = "An event whose handle is never asked for has nothing to dispose of.")]
internal sealed class RowBatch(ReadOnlyMemory<BatchRow> rows, Memory<RowOutcome> outcomes) : IThreadPoolWorkItem
{
    private readonly ManualResetEventSlim _done = new(initialState: rows.IsEmpty);
    private int _taken;
    private int _finished;

    /// <summary>Whether all rows are finished.</summary>
    public bool IsDone => _done.IsSet;

    /// <summary>Samples rows until all are taken. A thread that comes later touches none.</summary>
    public void Execute()
    {
        for (int row; (row = Interlocked.Increment(ref _taken) - 1) < rows.Length;)
        {
            outcomes.Span[row] = Sample(rows.Span[row]);
            if (Interlocked.Increment(ref _finished) == rows.Length)
                _done.Set();
        }
    }

    /// <summary>Returns when <see cref="IsDone"/>.</summary>
    public void WaitForAll() => _done.Wait();

    private static RowOutcome Sample(in BatchRow row)
    {
        try
        {
            return new RowOutcome(NucleusSampler.Sample(row.Logits.Span, row.Mask, row.Parameters, row.Slots.Span), Error: null);
        }
        catch (Exception error) // whatever it is, it must not end the other rows, or a thread of the pool
        {
            return new RowOutcome(default, error);
        }
    }
}
