using System.Collections.Concurrent;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>
/// A runner that can be held, can fail and counts what it has. A row's state is the sum of its history, so that everyone can see
/// whose answer it got.
/// </summary>
internal sealed class ScriptedRunner(int maxBatchSize, int outputs = 4) : IBatchRunner<EncoderInput, BatchOutput>, IDisposable
{
    private readonly ConcurrentBag<BatchOutput> _all = [];
    private readonly ConcurrentBag<BatchOutput> _free = [];
    private readonly SemaphoreSlim _outputs = new(outputs);
    private readonly SemaphoreSlim _entered = new(0);
    private readonly SemaphoreSlim _leave = new(0);
    private volatile bool _holds;

    public int MaxBatchSize => maxBatchSize;

    /// <summary>The batches that were run, failed ones too: of every row the first item.</summary>
    public ConcurrentQueue<int[]> Batches { get; } = new();

    /// <summary>Outputs that nobody has given back.</summary>
    public int OutputsHeld => _all.Count - _free.Count;

    /// <summary>Called with the rows before they are computed.</summary>
    public Action<EncoderInput[]> OnRun { get; set; } = _ => { };

    /// <summary>From now on a run waits until it is let go.</summary>
    public void Hold() => _holds = true;

    /// <summary>Waits until a run has begun, and does not end.</summary>
    public Task EnteredAsync() => _entered.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Lets runs go.</summary>
    /// <param name="runs">So many; none: this and all that follow.</param>
    public void LetGo(int? runs = null)
    {
        _holds = _holds && runs is not null;
        _leave.Release(runs ?? 1_000_000);
    }

    public BatchOutput Reserve()
    {
        _outputs.Wait();
        return TakeOutput();
    }

    public BatchOutput? TryReserve() => _outputs.Wait(0) ? TakeOutput() : null;

    public BatchRun Run(BatchOutput output, ReadOnlySpan<EncoderInput> rows, int logitRows, TimeProvider clock)
    {
        var inputs = rows.ToArray();
        Assert.InRange(inputs.Length, 1, maxBatchSize);
        Assert.InRange(logitRows, 0, inputs.Length);
        Batches.Enqueue([.. inputs.Select(i => i.History.Length > 0 ? i.History.Span[0] : 0)]);
        if (_holds)
        {
            _entered.Release();
            _leave.Wait();
        }

        var start = clock.GetTimestamp();
        OnRun(inputs);
        var states = output.States(inputs.Length).GetTensorMutableDataAsSpan<float>();
        for (var i = 0; i < inputs.Length; i++)
            states[i] = inputs[i].History.ToArray().Sum();
        return new BatchRun(clock.GetElapsedTime(start), TimeSpan.Zero);
    }

    public void Dispose()
    {
        foreach (var output in _all)
            output.Dispose();
        _outputs.Dispose();
        _entered.Dispose();
        _leave.Dispose();
    }

    private BatchOutput TakeOutput()
    {
        if (!_free.TryTake(out var output))
            _all.Add(output = new BatchOutput(maxBatchSize, dimension: 1, columns: 1, GiveBack));
        output.HoldFor(1);
        return output;
    }

    private void GiveBack(BatchOutput output)
    {
        _free.Add(output);
        _outputs.Release();
    }
}
