using Grpc.Core;
using HdrHistogram;

namespace RecoServe.LoadTest.Loops;

/// <summary>What a run measured. Calls are counted, not kept: a run may be as long as it likes. Thread-safe until it is ended.</summary>
internal sealed class LoadResult
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
    private static readonly StatusCode[] AllStatuses = Enum.GetValues<StatusCode>();

    private readonly LongConcurrentHistogram _latency = NewHistogram();
    private readonly LongConcurrentHistogram _late = NewHistogram();
    private readonly long[] _statuses = new long[(int)AllStatuses.Max() + 1];

    /// <summary>From the beginning to the last answer.</summary>
    internal TimeSpan Elapsed { get; private set; }

    /// <summary>Number of calls.</summary>
    internal long Calls => _statuses.Sum();

    /// <summary>Number of calls by status, for those that occurred.</summary>
    internal IReadOnlyDictionary<StatusCode, long> Statuses =>
        new SortedDictionary<StatusCode, long>(AllStatuses.Where(s => Count(s) > 0).ToDictionary(s => s, Count));

    /// <summary>Calls that were not answered with OK.</summary>
    internal long Failed => Calls - Count(StatusCode.OK);

    /// <summary>Answers with OK a second, the time until the last answer included.</summary>
    internal double Goodput => Count(StatusCode.OK) / Elapsed.TotalSeconds;

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
            sum.Elapsed += part.Elapsed;
        }

        return sum;
    }

    /// <summary>Counts one call.</summary>
    /// <param name="status">How it ended.</param>
    /// <param name="latency">From the intended start to the answer.</param>
    /// <param name="late">From the intended start to the actual one: the load generator's own share of the latency.</param>
    internal void Record(StatusCode status, TimeSpan latency, TimeSpan late)
    {
        Interlocked.Increment(ref _statuses[(int)status]);
        Record(_late, late);
        // A refusal is quick: counted in, it would make an overloaded server look fast.
        if (status is not (StatusCode.ResourceExhausted or StatusCode.Unavailable))
            Record(_latency, latency);
    }

    /// <summary>The run is over: nothing is recorded any more.</summary>
    internal void End(TimeSpan elapsed) => Elapsed = elapsed;

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

    private static long Microseconds(TimeSpan time) => (long)time.TotalMicroseconds;
}
