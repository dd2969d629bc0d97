using System.Diagnostics.Metrics;
using Grpc.Core;

namespace RecoServe.Server;

/// <summary>Why a request was refused at the door.</summary>
internal enum RefusalReason
{
    /// <summary>Work has waited too long for a thread for a while.</summary>
    ThreadsBusy,

    /// <summary>Its time would be used up by waiting for threads.</summary>
    DeadlineTooNear,

    /// <summary>No model has room in its queue.</summary>
    QueuesFull,

    /// <summary>It is large, and other large ones hold the memory that there is for them.</summary>
    MemoryFull,
}

/// <summary>The server's own instruments; the engine's are in <see cref="Engine.EngineMetrics"/>.</summary>
internal sealed class ServerMetrics : IDisposable
{
    internal const string MeterName = "RecoServe.Server";

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _callDuration;
    private readonly long[] _refused = new long[Enum.GetValues<RefusalReason>().Length];

    /// <summary>Creates the instruments.</summary>
    public ServerMetrics()
    {
        // Observed: it shows zeros from the start.
        _meter.CreateObservableCounter(
            "recoserve.refused",
            () => Enum.GetValues<RefusalReason>().Select(reason => new Measurement<long>(Volatile.Read(ref _refused[(int)reason]), new KeyValuePair<string, object?>("reason", LabelOf(reason)))),
            "{request}",
            "Requests refused at the door, unread, by reason.");
        _callDuration = _meter.CreateHistogram("rpc.server.call.duration", "s", "Duration of a call, by method and status.", null, new InstrumentAdvice<double>
        {
            // The conventional buckets begin at 5 ms: far too coarse here.
            HistogramBucketBoundaries = [100e-6, 200e-6, 400e-6, 800e-6, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3, 25.6e-3, 51.2e-3, 0.1024, 0.2048, 0.4096, 0.8192, 1.6384, 5, 10],
        });
    }

    /// <summary>Carries the instruments.</summary>
    internal Meter Meter => _meter;

    public void Dispose() => _meter.Dispose();

    internal void Refused(RefusalReason reason) => Interlocked.Increment(ref _refused[(int)reason]);

    internal void Call(string method, StatusCode status, TimeSpan elapsed) =>
        _callDuration.Record(elapsed.TotalSeconds, new("rpc.method", method), new("rpc.status_code", status.ToString()));

    private static string LabelOf(RefusalReason reason) => reason switch
    {
        RefusalReason.ThreadsBusy => "threads_busy",
        RefusalReason.DeadlineTooNear => "deadline_too_near",
        RefusalReason.QueuesFull => "queues_full",
        RefusalReason.MemoryFull => "memory_full",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}
