using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// Collects the rows of one model version into batches. One worker thread takes whatever waits the moment it is free, so
/// batches grow with the load and a lone request waits for nobody. The queue is bounded; a full one refuses at the door.
/// </summary>
/// <remarks>
/// Rows whose caller is gone and rows past their deadline are dropped while the batch is formed. A run that fails fails
/// its own rows and nothing else. Cancelling a row never touches its neighbours.
/// </remarks>
internal sealed class Batcher : IAsyncDisposable
{
    private readonly ModelRunner _runner;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _maxQueueDelay;
    private readonly int _capacity;
    private readonly VersionMetrics _metrics;
    private readonly ILogger _log;
    private readonly Channel<BatchRow> _queue;
    private readonly List<BatchRow> _batch;
    private readonly EncoderInput[] _inputs;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Batcher(ModelRunner runner, BatcherOptions options, TimeProvider clock, VersionMetrics metrics, ILogger log)
    {
        (_runner, _clock, _metrics, _log) = (runner, clock, metrics, log);
        (_maxQueueDelay, _capacity) = (options.MaxQueueDelay, options.QueueCapacity);
        _queue = Channel.CreateBounded<BatchRow>(new BoundedChannelOptions(options.QueueCapacity) { SingleReader = true });
        _batch = new List<BatchRow>(runner.MaxBatchSize);
        _inputs = new EncoderInput[runner.MaxBatchSize];
        metrics.ObserveQueue(() => QueueLength);
        new Thread(Work) { IsBackground = true, Name = $"batcher {metrics.Name}" }.Start();
    }

    /// <summary>Rows that wait.</summary>
    internal int QueueLength => _queue.Reader.Count;

    /// <summary>Computes one row, together with whichever others wait.</summary>
    /// <param name="input">The row.</param>
    /// <param name="wantsLogits">Whether the logits of all items are wanted, beside the user state.</param>
    /// <param name="deadline">When the answer is worth nothing any more; <see cref="DateTimeOffset.MaxValue"/> if never.</param>
    /// <param name="cancellationToken">Ends the wait; the row is then not computed, unless that has begun.</param>
    /// <exception cref="QueueFullException">As many rows wait as may.</exception>
    /// <exception cref="DeadlineExceededException">The deadline passed before the row was dispatched.</exception>
    /// <exception cref="ModelRunException">The native run failed.</exception>
    internal Task<RowResult> RunAsync(EncoderInput input, bool wantsLogits, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var row = new BatchRow(input, wantsLogits, deadline, _clock.GetTimestamp());
        if (!_queue.Writer.TryWrite(row))
        {
            _metrics.Shed(ShedReason.QueueFull);
            throw new QueueFullException(_metrics.Name, _capacity);
        }

        row.CancelWith(cancellationToken);
        return row.Result;
    }

    /// <summary>Takes no more rows, computes those that wait, and returns when the worker has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _ended.Task;
        _metrics.ForgetQueue();
    }

    private void Work()
    {
        while (WaitForRow(CancellationToken.None))
        {
            FillBatch();
            if (_batch.Count > 0)
                RunBatch();
            _batch.Clear();
        }

        _ended.SetResult();
    }

    /// <summary>Blocks until a row waits; false once the queue is completed and empty.</summary>
    private bool WaitForRow(CancellationToken cancellationToken)
    {
        var wait = _queue.Reader.WaitToReadAsync(cancellationToken);
#pragma warning disable VSTHRD002 // The worker owns its thread and has nothing else to do: blocking it is the point.
        return wait.IsCompletedSuccessfully ? wait.Result : wait.AsTask().GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
    }

    private void FillBatch()
    {
        TakeWaiting();
        if (_batch.Count == 0 || _maxQueueDelay - _clock.GetElapsedTime(_batch[0].Enqueued) is not { Ticks: > 0 } left)
            return;
        using var linger = new CancellationTokenSource(left, _clock);
        try
        {
            while (_batch.Count < _runner.MaxBatchSize && WaitForRow(linger.Token))
                TakeWaiting();
        }
        catch (OperationCanceledException)
        {
            // The linger is over: what is there is dispatched.
        }

        _batch.RemoveAll(row => !MayRun(row));
    }

    private void TakeWaiting()
    {
        while (_batch.Count < _runner.MaxBatchSize && _queue.Reader.TryRead(out var row))
        {
            if (MayRun(row))
                _batch.Add(row);
        }
    }

    private bool MayRun(BatchRow row)
    {
        if (!row.IsWaiting)
        {
            _metrics.Shed(ShedReason.Cancelled);
            return false;
        }

        if (_clock.GetUtcNow() < row.Deadline)
            return true;
        _metrics.Shed(ShedReason.DeadlineExceeded);
        row.Fail(new DeadlineExceededException(_metrics.Name));
        return false;
    }

    private void RunBatch()
    {
        // Rows that want logits come first: the scorer then runs on a prefix of the states.
        _batch.Sort(static (a, b) => b.WantsLogits.CompareTo(a.WantsLogits));
        var rows = _batch.Count;
        for (var i = 0; i < rows; i++)
            _inputs[i] = _batch[i].Input;
        var dispatched = _clock.GetTimestamp();
        try
        {
            var run = _runner.Run(_inputs.AsSpan(0, rows), _batch.Count(static r => r.WantsLogits), _clock);
            var elapsed = _clock.GetElapsedTime(dispatched);
            _metrics.Batch(rows, run.Encode, run.Score);
            for (var i = 0; i < rows; i++)
            {
                var waited = _clock.GetElapsedTime(_batch[i].Enqueued, dispatched);
                _metrics.Queue(waited);
                _batch[i].Complete(new RowResult(run.Output, i, new RowTimings(waited, elapsed, run.Encode, run.Score, rows)));
            }
        }
        catch (Exception e)
        {
            // Whatever went wrong, these rows fail and the worker lives on.
            EngineLog.BatchFailed(_log, _metrics.Name, rows, e);
            foreach (var row in _batch)
                row.Fail(new ModelRunException(_metrics.Name, e));
        }
        finally
        {
            _inputs.AsSpan(0, rows).Clear();
        }
    }
}
