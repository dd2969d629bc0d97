using Microsoft.Extensions.Logging;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// Collects the rows of one model version into batches: the earliest due first, computed the moment a runner is free, so that
/// batches grow with the load and a lone request waits for nobody.
/// </summary>
/// <remarks>
/// <para>1. A row is refused when it arrives if there is no room, or if by what batches are known to take it cannot be answered
/// before its deadline.</para>
/// <para>2. It waits in a bounded queue, which it leaves at once when its caller goes away or its deadline passes, whatever the
/// runners do.</para>
/// <para>3. Each runner has a thread (<see cref="BatchWorker{TInput, TOutput}"/>) that forms a batch at the last moment and runs it.</para>
/// </remarks>
internal sealed class Batcher<TInput, TOutput> : IAsyncDisposable
    where TInput : struct, IRowInput<TInput>
    where TOutput : BatchMemory
{
    private static readonly TimeSpan ShortestRetry = TimeSpan.FromMilliseconds(5);

    private readonly BatcherOptions _options;
    private readonly TimeProvider _clock;
    private readonly long _epoch;
    private readonly VersionMetrics _metrics;
    private readonly BatchCost _cost;
    private readonly object _gate = new();
    private readonly RowQueue<TInput, TOutput> _queue;
    private readonly List<BatchRow<TInput, TOutput>> _displaced = [];
    private readonly List<FormedBatch<TInput, TOutput>> _running = [];
    private readonly Linger _linger;
    private readonly ITimer _expiry;
    private readonly BatchWorker<TInput, TOutput>[] _workers;
    private readonly int _maxBatchSize;
    private MovingMean _reading = new(weight: 0.05);
    private MovingMean _betweenRuns = new(weight: 0.1);
    private TimeSpan _nextExpiry = TimeSpan.MaxValue;
    private bool _stopping;

    /// <param name="runners">One for each batch that may be computed at the same time.</param>
    /// <param name="options">Queue and delays.</param>
    /// <param name="cost">What is known of the time that batches take.</param>
    /// <param name="gate">Shared by all versions.</param>
    /// <param name="clock">Its time.</param>
    /// <param name="metrics">The version's.</param>
    /// <param name="log">For batches that fail.</param>
    internal Batcher(
        IReadOnlyList<IBatchRunner<TInput, TOutput>> runners, BatcherOptions options, BatchCost cost, RunGate gate, TimeProvider clock, VersionMetrics metrics, ILogger log)
    {
        (_options, _clock, _metrics, _cost) = (options, clock, metrics, cost);
        _epoch = clock.GetTimestamp();
        _maxBatchSize = runners[0].MaxBatchSize;
        _queue = new RowQueue<TInput, TOutput>(options.QueueCapacity, options.QueueBytes, options.Patience);
        _linger = new Linger(options.MaxQueueDelay, _maxBatchSize, cost);
        _expiry = clock.CreateTimer(_ => Expire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        metrics.ObserveQueue(() => QueueLength);
        var share = new RunShare();
        _workers = [.. runners.Select(runner => new BatchWorker<TInput, TOutput>(this, runner, gate, share, cost, clock, metrics, log))];
    }

    /// <summary>Rows that wait.</summary>
    internal int QueueLength
    {
        get
        {
            lock (_gate)
                return _queue.Count;
        }
    }

    /// <summary>When to ask again, as the queue is full; null if it is not.</summary>
    internal TimeSpan? FullFor
    {
        get
        {
            lock (_gate)
                return _queue.IsFull ? RetryAfter(Wait(_queue.Count, Now)) : null;
        }
    }

    /// <summary>The time on the batcher's clock.</summary>
    internal TimeSpan Now => _clock.GetElapsedTime(_epoch);

    /// <summary>Computes one row, together with whichever others wait.</summary>
    /// <param name="request">The row.</param>
    /// <param name="cancellationToken">Ends the wait; the row is then not computed, unless that has begun.</param>
    /// <exception cref="OverloadedException">There is no room, or no time.</exception>
    /// <exception cref="DeadlineExceededException">The deadline passed before the row was dispatched, or is too near.</exception>
    /// <exception cref="ModelRunException">The native run failed.</exception>
    internal Task<RowResult<TOutput>> RunAsync(in RowRequest<TInput> request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var now = Now;
        var deadline = request.Deadline == DateTimeOffset.MaxValue ? TimeSpan.MaxValue : now + (request.Deadline - _clock.GetUtcNow());
        var row = new BatchRow<TInput, TOutput>(request, now, deadline, _options.Patience);
        row.OnCancelled(Leave, cancellationToken);
        try
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_stopping, this);
                if (row.Result.IsCompleted || TryJoin(row, now)) // cancelled already, or being computed
                    return row.Result;
                _queue.Age(now);
                Enqueue(row, now);
            }
        }
        catch
        {
            row.Forget();
            throw;
        }

        return row.Result;
    }

    /// <summary>The share of its time that a request would wait, 0 and more: past 1 it is refused.</summary>
    internal double PressureOn(DateTimeOffset deadline)
    {
        var left = deadline == DateTimeOffset.MaxValue ? _options.Patience : deadline - _clock.GetUtcNow();
        if (left <= TimeSpan.Zero)
            return double.PositiveInfinity;
        lock (_gate)
            return _queue.Count == 0 ? 0 : (Wait(_queue.Count, Now) + _reading.Value) / left;
    }

    /// <summary>How many rows may wait at a time, of so many bytes each; at least one.</summary>
    internal int MostWaiting(long rowBytes) => (int)Math.Clamp(_options.QueueBytes / (rowBytes + BatchRow<TInput, TOutput>.OwnBytes), 1, _options.QueueCapacity);

    /// <summary>Takes no more rows, computes those that wait, and returns when the workers have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        foreach (var worker in _workers)
            await worker.Ended;
        await _expiry.DisposeAsync();
        _metrics.ForgetQueue();
    }

    /// <summary>Waits until a batch should be formed; false when no row will come any more.</summary>
    /// <param name="worker">Whose thread waits. A turn that it kept for rows that are gone is given back: others may go first.</param>
    /// <param name="linger">A timer that calls <see cref="Wake"/>.</param>
    /// <param name="atOnce">Whether there was nothing to wait for.</param>
    internal bool WaitForRows(BatchWorker<TInput, TOutput> worker, ITimer linger, out bool atOnce)
    {
        lock (_gate)
        {
            for (atOnce = true; ; atOnce = false)
            {
                var isEmpty = _queue.Count == 0;
                var left = isEmpty ? Timeout.InfiniteTimeSpan : LingerLeft(Now);
                if (!isEmpty && left <= TimeSpan.Zero)
                    return true;
                worker.EndKeptTurn();
                if (isEmpty && _stopping)
                    return false;
                linger.Change(isEmpty ? left : TimerDelay(left), Timeout.InfiniteTimeSpan);
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Lets waiting workers look again.</summary>
    internal void Wake()
    {
        lock (_gate)
            Monitor.PulseAll(_gate);
    }

    /// <summary>Forms a batch of what waits now: this is the instant until which it keeps filling, but for rows that need no place of their own, until <see cref="Close"/>.</summary>
    /// <param name="batch">Receives the rows.</param>
    /// <param name="lastEnd">The end of the runner's last run, if rows have waited since.</param>
    /// <returns>Whether rows are left for a further batch now.</returns>
    internal bool Take(FormedBatch<TInput, TOutput> batch, TimeSpan? lastEnd)
    {
        var now = Now;
        lock (_gate)
        {
            _queue.Age(now);
            batch.Take(_queue, now, _options.MaxQueueDelay, _betweenRuns.Value);
            if (batch.Rows.Count > 0)
            {
                _running.Add(batch);
                if (lastEnd is { } end)
                    _betweenRuns.Add(now - end);
            }

            return _queue.Count > 0 && LingerLeft(now) <= TimeSpan.Zero;
        }
    }

    /// <summary>Ends the run of a batch: no more rows join it.</summary>
    internal void Close(FormedBatch<TInput, TOutput> batch)
    {
        lock (_gate)
            _running.Remove(batch);
    }

    /// <summary>Takes what the requests of a batch took to read their results.</summary>
    internal void Read(TimeSpan elapsed)
    {
        lock (_gate)
            _reading.Add(elapsed);
    }

    /// <summary>Lets a row join a batch that runs, if what it asks for is being computed.</summary>
    private bool TryJoin(BatchRow<TInput, TOutput> row, TimeSpan now)
    {
        if (row.Deadline <= now)
            return false;
        foreach (var batch in _running)
        {
            if (batch.TryJoin(row))
                return true;
        }

        return false;
    }

    /// <summary>Puts a row in its place if it is admitted, if need be instead of others.</summary>
    private void Enqueue(BatchRow<TInput, TOutput> row, TimeSpan now)
    {
        try
        {
            Admit(row, now);
            foreach (var other in _displaced)
            {
                _queue.Remove(other);
                other.Fail(Shed(other, ShedReason.QueueFull, Overloaded($"{_queue.Count} rows wait, and one of higher priority came", Wait(_queue.Count, now))));
            }
        }
        finally
        {
            _displaced.Clear(); // or it would keep their inputs
        }

        _linger.Arrived(now);
        _queue.Add(row);
        if (row.Deadline < _nextExpiry)
            ExpireAt(row.Deadline, now);
        Monitor.Pulse(_gate);
    }

    /// <summary>Refuses a row for which there is no room or no time.</summary>
    private void Admit(BatchRow<TInput, TOutput> row, TimeSpan now)
    {
        if (row.Deadline <= now)
            throw Shed(row, ShedReason.DeadlineExceeded, new DeadlineExceededException(_metrics.Name, "the deadline had passed when the request came to"));
        if (!_queue.HasRoomFor(row, _displaced))
            throw Shed(row, ShedReason.QueueFull, Overloaded($"{_queue.Count} rows wait", Wait(_queue.Count, now)));
        // A batcher that rests is open to all: an estimate that is wrong could otherwise never be corrected.
        if (!_options.RefuseHopeless || row.Deadline == TimeSpan.MaxValue || (_queue.Count == 0 && Wait(0, now) == TimeSpan.Zero))
            return;
        var left = row.Deadline - now;
        var needed = _cost.Of(1, row.Input.Length) + _reading.Value;
        if (needed > left)
            throw Shed(row, ShedReason.Hopeless, new DeadlineExceededException(_metrics.Name, $"{left.TotalMilliseconds:F0} ms are left, too few for"));
        var before = _queue.CountBefore(row);
        var wait = Wait(before, now);
        if (wait + _cost.Of((before % _maxBatchSize) + 1, Math.Max(row.Input.Length, _queue.MeanLength)) + _reading.Value > left)
        {
            throw Shed(row, ShedReason.Overloaded, Overloaded(
                $"the request would wait {wait.TotalMilliseconds:F0} ms, and {left.TotalMilliseconds:F0} ms are left", wait));
        }
    }

    private OverloadedException Overloaded(string reason, TimeSpan wait) => new(_metrics.Name, reason, RetryAfter(wait));

    private static TimeSpan RetryAfter(TimeSpan wait) => wait < ShortestRetry ? ShortestRetry : wait;

    /// <summary>How long a row is expected to wait for its dispatch if so many are computed before it.</summary>
    private TimeSpan Wait(int rowsBefore, TimeSpan now)
    {
        var free = TimeSpan.MaxValue;
        foreach (var worker in _workers)
            free = worker.FreeAt < free ? worker.FreeAt : free;
        var batches = (double)(rowsBefore / _maxBatchSize) / _workers.Length;
        // Its own batch waits for a turn too, unless the runner rests.
        var turn = free > now || _queue.Count > 0 ? _betweenRuns.Value : TimeSpan.Zero;
        return (free > now ? free - now : TimeSpan.Zero) + turn + (batches * (_cost.Of(_maxBatchSize, _queue.MeanLength) + _betweenRuns.Value));
    }

    private Exception Shed(BatchRow<TInput, TOutput> row, ShedReason reason, Exception exception)
    {
        row.CountShed(_metrics, reason);
        return exception;
    }

    /// <summary>How long to wait for more rows before the next batch.</summary>
    private TimeSpan LingerLeft(TimeSpan now) => _stopping ? TimeSpan.Zero : _linger.Left(_queue, now, _reading.Value);

    private void Leave(BatchRow<TInput, TOutput> row)
    {
        // First, so that a row that is only about to be enqueued is seen to have ended.
        row.Cancel();
        lock (_gate)
        {
            if (_queue.Remove(row))
                row.CountShed(_metrics, row.Deadline <= Now ? ShedReason.DeadlineExceeded : ShedReason.Cancelled); // which cancels a call too
        }
    }

    private void Expire()
    {
        var expired = new List<BatchRow<TInput, TOutput>>();
        lock (_gate)
        {
            var now = Now;
            _nextExpiry = TimeSpan.MaxValue;
            var next = _queue.Expire(now, expired);
            if (next < TimeSpan.MaxValue)
                ExpireAt(next, now);
        }

        foreach (var row in expired)
            row.Expire(_metrics);
    }

    private void ExpireAt(TimeSpan time, TimeSpan now)
    {
        _nextExpiry = time;
        _expiry.Change(TimerDelay(time - now), Timeout.InfiniteTimeSpan);
    }

    /// <summary>A timer is a millisecond coarse, and must not fire before the time: it would only be set again.</summary>
    private static TimeSpan TimerDelay(TimeSpan left) => TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(left.TotalMilliseconds), 1, int.MaxValue));
}
