using Grpc.Core;
using HdrHistogram;

namespace RecoServe.LoadGenerator.Loops;

/// <summary>What a run measured. Calls are counted, not kept: a run may be as long as it likes. Thread-safe until it is ended.</summary>
internal sealed class LoadResult
{
    /// <summary>What every call has, from when it is sent; the server is told.</summary>
    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
    private static readonly StatusCode[] AllStatuses = Enum.GetValues<StatusCode>();

    private readonly LongConcurrentHistogram _latency = NewHistogram();
    private readonly LongConcurrentHistogram _late = NewHistogram();
    private readonly long[] _statuses = new long[(int)AllStatuses.Max() + 1];
    private long _afterDeadline;
    private long _lastGood;

    /// <summary>
    /// From the beginning until no call was due any more and the last answer in time had come. Calls that run into their deadline
    /// after that take nothing from the goodput.
    /// </summary>
    internal TimeSpan Elapsed { get; private set; }

    /// <summary>Number of calls.</summary>
    internal long Calls => _statuses.Sum();

    /// <summary>Number of calls by status, for those that occurred.</summary>
    internal IReadOnlyDictionary<StatusCode, long> Statuses =>
        new SortedDictionary<StatusCode, long>(AllStatuses.Where(s => Count(s) > 0).ToDictionary(s => s, Count));

    /// <summary>Calls that were not answered with OK.</summary>
    internal long Failed => Calls - Count(StatusCode.OK);

    /// <summary>Answers with OK that came after <see cref="Deadline"/>, when nobody waits for them any more.</summary>
    internal long AfterDeadline => Interlocked.Read(ref _afterDeadline);

    /// <summary>
    /// 99th percentile ÷ median. Infinite if more than one call in a hundred failed: a server must not become quick by refusing.
    /// </summary>
    internal double TailRatio => Tail / Latency(50).TotalMicroseconds;

    /// <summary>99th percentile in microseconds, infinite as <see cref="TailRatio"/> is.</summary>
    internal double Tail => Failed > 0.01 * Calls ? double.PositiveInfinity : Latency(99).TotalMicroseconds;

    /// <summary>Whether the generator fell behind its schedule: p99 of its lateness is above 50 ms.</summary>
    internal bool IsSentLate => Late(99) > TimeSpan.FromMilliseconds(50);

    /// <summary>Answers in time a second.</summary>
    internal double Goodput => (Count(StatusCode.OK) - AfterDeadline) / Elapsed.TotalSeconds;

    /// <summary>One run out of several that measured the same.</summary>
    internal static LoadResult Sum(IEnumerable<LoadResult> parts)
    {
        var sum = new LoadResult();
        foreach (var part in parts)
        {
            sum._latency.Add(part._latency);
            sum._late.Add(part._late);
            for (var s = 0; s < sum._statuses.Length; s++)
                sum._statuses[s] += part._statuses[s];
            sum._afterDeadline += part.AfterDeadline;
            sum.Elapsed += part.Elapsed;
        }

        return sum;
    }

    /// <summary>Counts one call. All times are since the beginning of the run.</summary>
    /// <param name="status">How it ended.</param>
    /// <param name="intended">When it was meant to start: its latency counts from here.</param>
    /// <param name="started">When it started: its deadline counts from here, and what lies before is the generator's own share of the latency.</param>
    /// <param name="ended">When it was answered.</param>
    internal void Record(StatusCode status, TimeSpan intended, TimeSpan started, TimeSpan ended)
    {
        Interlocked.Increment(ref _statuses[(int)status]);
        Record(_late, started - intended);
        var latency = ended - intended;
        // A refusal is quick: counted in, it would make an overloaded server look fast. So would a deadline that is given up at
        // once, and a call for which there was no room or no server: whoever made it waits for as long as it had.
        if (status is StatusCode.DeadlineExceeded or StatusCode.Unavailable)
            Record(_latency, latency > Deadline ? latency : Deadline);
        else if (status != StatusCode.ResourceExhausted)
            Record(_latency, latency);
        if (status == StatusCode.OK && ended - started > Deadline)
            Interlocked.Increment(ref _afterDeadline);
        else if (status == StatusCode.OK)
            InterlockedMax(ref _lastGood, ended.Ticks);
    }

    /// <summary>The run is over: nothing is recorded any more.</summary>
    /// <param name="lastStart">When the last call was due.</param>
    internal void End(TimeSpan lastStart) => Elapsed = TimeSpan.FromTicks(Math.Max(lastStart.Ticks, Interlocked.Read(ref _lastGood)));

    /// <summary>Number of calls with a status.</summary>
    internal long Count(StatusCode status) => Volatile.Read(ref _statuses[(int)status]);

    /// <summary>A percentile, 0 to 100, of the latencies of all calls that were not refused; three significant digits.</summary>
    internal TimeSpan Latency(double percentile) => At(_latency, percentile);

    /// <summary>A percentile of the generator's own lateness.</summary>
    internal TimeSpan Late(double percentile) => At(_late, percentile);

    private static LongConcurrentHistogram NewHistogram() => new(1, Microseconds(Longest), 3);

    private static void Record(LongConcurrentHistogram histogram, TimeSpan time) => histogram.RecordValue(Math.Clamp(Microseconds(time), 0, Microseconds(Longest)));

    private static TimeSpan At(LongConcurrentHistogram histogram, double percentile) =>
        TimeSpan.FromMicroseconds(histogram.TotalCount == 0 ? 0 : histogram.GetValueAtPercentile(percentile));

    private static void InterlockedMax(ref long location, long value)
    {
        var seen = Interlocked.Read(ref location);
        while (value > seen && Interlocked.CompareExchange(ref location, value, seen) is var now && now != seen)
            seen = now;
    }

    private static long Microseconds(TimeSpan time) => (long)time.TotalMicroseconds;
}
