using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>Decides how long a batch waits for more rows: as long as one more is worth its wait, by what batches are known to take.</summary>
/// <param name="longest">The longest wait of a row.</param>
/// <param name="maxBatchSize">Rows for which nothing more is waited for.</param>
/// <param name="cost">What batches take.</param>
internal sealed class Linger(TimeSpan longest, int maxBatchSize, BatchCost cost)
{
    private MovingMean _arrivalGap = new(weight: 0.1);
    private TimeSpan _lastArrival = TimeSpan.MinValue;

    /// <summary>Learns how often rows arrive.</summary>
    internal void Arrived(TimeSpan now)
    {
        if (_lastArrival >= TimeSpan.Zero)
            _arrivalGap.Add(now - _lastArrival);
        _lastArrival = now;
    }

    /// <summary>How long to wait from now; zero and less if not at all.</summary>
    /// <param name="queue">Not empty.</param>
    /// <param name="now">The time.</param>
    /// <param name="reading">What it takes until results are read, before their deadlines.</param>
    internal TimeSpan Left<TInput, TOutput>(RowQueue<TInput, TOutput> queue, TimeSpan now, TimeSpan reading)
        where TInput : struct, IRowInput<TInput>
        where TOutput : BatchMemory
    {
        var rows = queue.Count;
        if (longest == TimeSpan.Zero || rows >= maxBatchSize || !IsWorthWaiting(rows, queue.MeanLength))
            return TimeSpan.Zero;
        var (enqueued, deadline, halfTime) = queue.Earliest();
        var latest = deadline == TimeSpan.MaxValue ? TimeSpan.MaxValue : deadline - cost.Of(rows, queue.MeanLength) - reading;
        var end = enqueued + longest;
        latest = latest < halfTime ? latest : halfTime; // the other half is for all that may come between
        return (end < latest ? end : latest) - now;
    }

    /// <summary>
    /// Whether one more row is worth its wait: those that wait lose the time until it comes, and what it makes the run longer; it
    /// would itself wait for the rest of the run without them, and the run of its own is saved.
    /// </summary>
    private bool IsWorthWaiting(int rows, double length)
    {
        var gap = _arrivalGap.Value;
        var (without, with, alone) = (cost.Of(rows, length), cost.Of(rows + 1, length), cost.Of(1, length));
        if (without == TimeSpan.Zero || !_arrivalGap.HasValue) // nothing is known yet
            return true;
        var lost = rows * (gap + (with - without));
        var won = (without > gap ? without - gap : TimeSpan.Zero) + (without + alone - with);
        return won > lost;
    }
}
