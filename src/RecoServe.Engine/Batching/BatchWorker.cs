using Microsoft.Extensions.Logging;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// The thread of one runner: waits for rows, for memory and for its turn on the machine, then forms a batch and runs it. A run
/// that fails is repeated row by row, once, so that a row that cannot be computed fails alone; the worker lives on.
/// </summary>
internal sealed class BatchWorker<TInput, TOutput>
    where TInput : struct, IRowInput<TInput>
    where TOutput : BatchMemory
{
    private readonly Batcher<TInput, TOutput> _batcher;
    private readonly IBatchRunner<TInput, TOutput> _runner;
    private readonly RunGate _gate;
    private readonly RunShare _share;
    private readonly BatchCost _cost;
    private readonly TimeProvider _clock;
    private readonly VersionMetrics _metrics;
    private readonly ILogger _log;
    private readonly FormedBatch<TInput, TOutput> _batch;
    private readonly FormedBatch<TInput, TOutput> _single;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan? _lastEnd;
    private bool _hasTurn;
    private long _freeAt;

    internal BatchWorker(
        Batcher<TInput, TOutput> batcher, IBatchRunner<TInput, TOutput> runner, RunGate gate, RunShare share, BatchCost cost, TimeProvider clock, VersionMetrics metrics, ILogger log)
    {
        (_batcher, _runner, _gate, _share, _cost) = (batcher, runner, gate, share, cost);
        (_clock, _metrics, _log) = (clock, metrics, log);
        (_batch, _single) = (new FormedBatch<TInput, TOutput>(runner.MaxBatchSize, cost), new FormedBatch<TInput, TOutput>(1, cost));
        new Thread(Work) { IsBackground = true, Name = $"batcher {metrics.Name}" }.Start();
    }

    /// <summary>Completes when the thread has ended.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>When the present run is expected to end.</summary>
    internal TimeSpan FreeAt => TimeSpan.FromTicks(Volatile.Read(ref _freeAt));

    /// <summary>Gives back a turn that was kept for another run.</summary>
    internal void EndKeptTurn()
    {
        if (_hasTurn)
            EndTurn(TimeSpan.Zero, keep: false);
    }

    private void Work()
    {
        using (var linger = _clock.CreateTimer(_ => _batcher.Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan))
        {
            while (_batcher.WaitForRows(this, linger, out var atOnce))
                RunNext(atOnce ? _lastEnd : null);
        }

        _ended.SetResult();
    }

    /// <param name="lastEnd">The end of the last run, if rows have waited since.</param>
    private void RunNext(TimeSpan? lastEnd)
    {
        var output = TakeTurn();
        var start = _batcher.Now;
        var othersWait = _batcher.Take(_batch, lastEnd);
        if (_batch.Rows.Count == 0) // cancelled or expired meanwhile, or taken by another runner
        {
            EndTurn(TimeSpan.Zero, keep: false);
            output.Release();
            return;
        }

        Volatile.Write(ref _freeAt, (start + _cost.Of(_batch.Places, _batch.Length)).Ticks);
        if (!TryRun(_batch, output, start, othersWait, out var exception))
            Retry(exception);
        Volatile.Write(ref _freeAt, 0);
        _lastEnd = _batcher.Now;
        _batch.Clear();
    }

    /// <summary>Waits for memory and then for a turn, unless the last one was kept; never for memory in a turn.</summary>
    private TOutput TakeTurn()
    {
        if (_hasTurn && _runner.TryReserve() is { } free)
            return free;
        EndKeptTurn();
        var output = _runner.Reserve();
        _gate.Enter(_share);
        _hasTurn = true;
        return output;
    }

    private void EndTurn(TimeSpan elapsed, bool keep)
    {
        _hasTurn = keep && _gate.Keep(_share, elapsed);
        if (!keep)
            _gate.Leave(_share, elapsed);
    }

    /// <summary>Runs a batch in a turn, and tells its rows; false if it failed, and they have been told nothing.</summary>
    private bool TryRun(FormedBatch<TInput, TOutput> batch, TOutput output, TimeSpan start, bool keepTurn, out Exception exception)
    {
        exception = null!;
        BatchRun run;
        try
        {
            run = _runner.Run(output, batch.Inputs, batch.LogitPlaces, _clock);
        }
        catch (Exception e)
        {
            // Whatever went wrong, these rows fail and the worker lives on.
            _batcher.Close(batch);
            EndTurn(_batcher.Now - start, keep: false);
            output.Release();
            exception = e;
            return false;
        }

        var end = _batcher.Now;
        _batcher.Close(batch);
        EndTurn(end - start, keepTurn);
        _cost.Learn(batch.Places, batch.Length, end - start);
        _metrics.Batch(batch.Rows.Count, batch.Padding, batch.Closed, run);
        output.HoldFor(batch.Rows.Count);
        var last = batch.Rows[^1].Row;
        foreach (var (row, place) in batch.Rows)
        {
            var waited = row.Enqueued < start ? start - row.Enqueued : TimeSpan.Zero;
            _metrics.Queue(waited);
            var timings = new RowTimings(waited, end - start, run.Encode, run.Score, batch.Rows.Count, batch.Places, batch.Length);
            row.Complete(new RowResult<TOutput>(output, place, timings, row == last ? Reading(end) : null));
        }

        return true;
    }

    /// <summary>The last row of a batch tells what it took until its result was read.</summary>
    private Action Reading(TimeSpan end) => () => _batcher.Read(_batcher.Now - end);

    private void Retry(Exception exception)
    {
        if (_batch.Places == 1)
        {
            Fail(_batch, exception);
            return;
        }

        EngineLog.BatchFailed(_log, _metrics.Name, _batch.Rows.Count, exception);
        for (var place = 0; place < _batch.Places; place++)
        {
            ExpireRows();
            _single.Take(_batch, place);
            if (_single.Rows.Count == 0)
                continue;
            Volatile.Write(ref _freeAt, (_batcher.Now + ((_batch.Places - place) * _cost.Of(1, _batch.Length))).Ticks);
            var output = TakeTurn();
            if (!TryRun(_single, output, _batcher.Now, keepTurn: false, out var alone))
                Fail(_single, alone);
        }

        _single.Clear();
    }

    /// <summary>Ends the rows whose deadline has passed meanwhile: nobody waits for them.</summary>
    private void ExpireRows()
    {
        var now = _batcher.Now;
        foreach (var (row, _) in _batch.Rows)
        {
            if (row.Deadline <= now && !row.Result.IsCompleted)
                row.Expire(_metrics);
        }
    }

    private void Fail(FormedBatch<TInput, TOutput> batch, Exception exception)
    {
        EngineLog.RowFailed(_log, _metrics.Name, batch.Rows.Count, exception);
        foreach (var (row, _) in batch.Rows)
            row.Fail(new ModelRunException(_metrics.Name, exception));
    }
}
