using Grpc.Core;
using HdrHistogram;

namespace RecoServe.LoadTest;

/// <summary>One call.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Latency">From the intended start to the answer.</param>
/// <param name="Late">From the intended start to the actual one: the load generator's own share of the latency.</param>
internal readonly record struct CallRecord(StatusCode Status, TimeSpan Latency, TimeSpan Late);

/// <summary>What a run measured.</summary>
internal sealed class LoadResult
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    private readonly LongHistogram _latency = NewHistogram();
    private readonly LongHistogram _late = NewHistogram();

    /// <param name="calls">Every call of the run.</param>
    /// <param name="elapsed">From the beginning to the last answer.</param>
    internal LoadResult(IReadOnlyCollection<CallRecord> calls, TimeSpan elapsed)
    {
        (Calls, Elapsed) = (calls.Count, elapsed);
        Statuses = new(calls.CountBy(c => c.Status).ToDictionary());
        foreach (var call in calls)
        {
            Record(_late, call.Late);
            // A refusal is quick: counted in, it would make an overloaded server look fast.
            if (call.Status is not (StatusCode.ResourceExhausted or StatusCode.Unavailable))
                Record(_latency, call.Latency);
        }
    }

    /// <summary>Number of calls.</summary>
    internal int Calls { get; }

    /// <summary>From the beginning to the last answer.</summary>
    internal TimeSpan Elapsed { get; }

    /// <summary>Number of calls by status.</summary>
    internal SortedDictionary<StatusCode, int> Statuses { get; }

    /// <summary>Answers with OK a second, the time until the last answer included.</summary>
    internal double Goodput => Statuses.GetValueOrDefault(StatusCode.OK) / Elapsed.TotalSeconds;

    /// <summary>A percentile, 0 to 100, of the latencies of all calls that were not refused; three significant digits.</summary>
    internal TimeSpan Latency(double percentile) => At(_latency, percentile);

    /// <summary>A percentile of the generator's own lateness.</summary>
    internal TimeSpan Late(double percentile) => At(_late, percentile);

    private static LongHistogram NewHistogram() => new(Microseconds(Longest), 3);

    private static void Record(LongHistogram histogram, TimeSpan time) => histogram.RecordValue(Math.Clamp(Microseconds(time), 0, Microseconds(Longest)));

    private static TimeSpan At(LongHistogram histogram, double percentile) =>
        TimeSpan.FromMicroseconds(histogram.TotalCount == 0 ? 0 : histogram.GetValueAtPercentile(percentile));

    private static long Microseconds(TimeSpan time) => (long)time.TotalMicroseconds;
}
