namespace RecoServe.Engine;

/// <summary>What a version has computed since it was loaded. Thread-safe; sums are read one by one.</summary>
public sealed class VersionStatistics(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<int, DurationSum> _batches = [];
    private long _lastAnswer;

    /// <summary>Requests answered, from their arrival.</summary>
    public DurationSum Success { get; } = new();

    /// <summary>Requests not answered for a reason that is not the caller's.</summary>
    public DurationSum Fail { get; } = new();

    /// <summary>Rows dispatched, and their waiting.</summary>
    public DurationSum Queue { get; } = new();

    /// <summary>Batches by their rows, and the time of their runs.</summary>
    public IReadOnlyDictionary<int, DurationSum> Batches
    {
        get
        {
            lock (_lock)
                return new SortedDictionary<int, DurationSum>(_batches);
        }
    }

    /// <summary>When the last request was answered; null before the first.</summary>
    public DateTimeOffset? LastAnswer => Volatile.Read(ref _lastAnswer) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    internal void Answered(TimeSpan elapsed)
    {
        Success.Add(elapsed);
        Volatile.Write(ref _lastAnswer, clock.GetUtcNow().UtcTicks);
    }

    internal void Batch(int rows, TimeSpan elapsed)
    {
        lock (_lock)
        {
            if (!_batches.TryGetValue(rows, out var sum))
                _batches.Add(rows, sum = new DurationSum());
            sum.Add(elapsed);
        }
    }
}

/// <summary>How often something happened, and for how long in all.</summary>
public sealed class DurationSum
{
    private long _count;
    private long _ticks;

    /// <summary>Times.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>The sum.</summary>
    public TimeSpan Total => TimeSpan.FromTicks(Volatile.Read(ref _ticks));

    internal void Add(TimeSpan elapsed)
    {
        Interlocked.Increment(ref _count);
        Interlocked.Add(ref _ticks, elapsed.Ticks);
    }
}
