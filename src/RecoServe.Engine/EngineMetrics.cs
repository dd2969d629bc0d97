using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace RecoServe.Engine;

/// <summary>Why a request was not computed, or in vain; one of several rows counts once.</summary>
public enum ShedReason
{
    /// <summary>The queue was full.</summary>
    QueueFull,

    /// <summary>What waited before it could not be computed before its deadline.</summary>
    Overloaded,

    /// <summary>Its deadline was too near for any answer.</summary>
    Hopeless,

    /// <summary>Its deadline passed while it waited.</summary>
    DeadlineExceeded,

    /// <summary>It was computed, and its deadline passed meanwhile.</summary>
    Late,

    /// <summary>Its caller went away while it waited.</summary>
    Cancelled,
}

/// <summary>Every instrument of the engine, in one place: name, unit, description, buckets.</summary>
public sealed class EngineMetrics : IDisposable
{
    /// <summary>Name of the meter that carries the instruments.</summary>
    public const string MeterName = "RecoServe.Engine";

    private static readonly InstrumentAdvice<double> Durations = new()
    {
        HistogramBucketBoundaries =
            [25e-6, 50e-6, 100e-6, 200e-6, 400e-6, 800e-6, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3, 25.6e-3, 51.2e-3, 0.1024, 0.2048, 0.4096, 0.8192, 1.6384],
    };

    private static readonly InstrumentAdvice<long> Sizes = new()
    {
        HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    };

    private static readonly InstrumentAdvice<double> Shares = new()
    {
        HistogramBucketBoundaries = [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
    };

    private static readonly InstrumentAdvice<double> Correlations = new()
    {
        HistogramBucketBoundaries = [-0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8, 0.9],
    };

    private static readonly InstrumentAdvice<double> Drifts = new()
    {
        HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    };

    private static readonly InstrumentAdvice<long> NucleusSizes = new()
    {
        HistogramBucketBoundaries = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000],
    };

    private readonly Meter _meter = new(MeterName);
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Model, long Version), int> _kept = [];

    /// <summary>Creates the instruments.</summary>
    public EngineMetrics()
    {
        QueueWait = _meter.CreateHistogram("recoserve.queue.wait", "s", "Time from a request's arrival to the dispatch of its batch.", null, Durations);
        BatchSize = _meter.CreateHistogram("recoserve.batch.size", "{row}", "Rows in a batch.", null, Sizes);
        BatchesClosed = _meter.CreateCounter<long>("recoserve.batch.closed", "{batch}", "Batches, by the reason for which they were dispatched as they were.");
        Padding = _meter.CreateHistogram("recoserve.batch.padding", "1", "Share of a batch's cells that only fill rows up to the longest.", null, Shares);
        EncodeTime = _meter.CreateHistogram("recoserve.batch.encode", "s", "Time of a batch in the encoder graph, or in a plain graph.", null, Durations);
        ScoreTime = _meter.CreateHistogram("recoserve.batch.score", "s", "Time of a batch in the scorer graph.", null, Durations);
        RequestTime = _meter.CreateHistogram("recoserve.request", "s", "Time of a request in the engine, from its arrival to its slate or scores.", null, Durations);
        SampleTime = _meter.CreateHistogram("recoserve.sample", "s", "Time to mask the logits and draw one slate.", null, Durations);
        NucleusSize = _meter.CreateHistogram("recoserve.nucleus.size", "{item}", "Items in the nucleus a slate was drawn from.", null, NucleusSizes);
        Shed = _meter.CreateCounter<long>("recoserve.shed", "{request}", "Requests that were not computed, or too late, by reason.");
        Degraded = _meter.CreateCounter<long>("recoserve.degraded", "{request}", "Answers from which something was left out under pressure, by what.");
        InvalidLogits = _meter.CreateCounter<long>("recoserve.invalid_logits", "{request}", "Requests that failed because the model gave NaN or +infinity.");
        RolledBack = _meter.CreateCounter<long>("recoserve.rollback", "{rollback}", "Times that a canary was rolled back by itself, by reason.");
        Shadows = _meter.CreateCounter<long>("recoserve.shadow", "{request}", "Copies of requests for a version to be compared, by what became of them.");
        ShadowOverlap = _meter.CreateHistogram("recoserve.shadow.overlap", "1", "Share of the most probable items that both versions name.", null, Shares);
        ShadowRankCorrelation = _meter.CreateHistogram("recoserve.shadow.rank_correlation", "1", "Rank correlation of the items that either version names.", null, Correlations);
        ShadowDrift = _meter.CreateHistogram("recoserve.shadow.score_drift", "1", "Mean difference of log-probabilities between two versions.", null, Drifts);
        ShadowPersonal = _meter.CreateHistogram("recoserve.shadow.personal", "1", "How much of what the answering version makes of a user the other makes too.", null, Correlations);
        StoreFailures = _meter.CreateCounter<long>("recoserve.store.failures", "{request}", "Times that the bucket of the model repository did not answer, or not as it should.");
        StoreBytes = _meter.CreateCounter<long>("recoserve.store.read", "By", "Bytes of versions that were read from the bucket.");
        QueueLength = new ObservedValues(_meter, "recoserve.queue.length", "{row}", "Rows that wait for a batch.");
        Leases = new ObservedValues(_meter, "recoserve.model.leases", "{lease}", "Requests that hold a model version.");
        State = new ObservedValues(_meter, "recoserve.model.state", "", "State of a model version: 1 loading, 2 warming, 3 serving, 4 draining, 5 unloaded, 6 failed.");
        Memory = new ObservedValues(_meter, "recoserve.model.memory", "By", "Native memory that was in use after a model version was loaded and warmed up, and not before; 0 once it is unloaded.");
    }

    /// <summary>
    /// Raised with model and version when the registry keeps no version of that number any more: what it has measured is history, and there
    /// is no end to version numbers.
    /// </summary>
    public event Action<string, string>? VersionForgotten;

    /// <summary>Carries the instruments.</summary>
    public Meter Meter => _meter;

    internal Histogram<double> QueueWait { get; }

    internal Histogram<long> BatchSize { get; }

    internal Counter<long> BatchesClosed { get; }

    internal Histogram<double> Padding { get; }

    internal Histogram<double> EncodeTime { get; }

    internal Histogram<double> ScoreTime { get; }

    internal Histogram<double> RequestTime { get; }

    internal Histogram<double> SampleTime { get; }

    internal Histogram<long> NucleusSize { get; }

    internal Counter<long> Shed { get; }

    internal Counter<long> Degraded { get; }

    internal Counter<long> InvalidLogits { get; }

    internal Counter<long> RolledBack { get; }

    internal Counter<long> Shadows { get; }

    internal Histogram<double> ShadowOverlap { get; }

    internal Histogram<double> ShadowRankCorrelation { get; }

    internal Histogram<double> ShadowDrift { get; }

    internal Histogram<double> ShadowPersonal { get; }

    internal Counter<long> StoreFailures { get; }

    internal Counter<long> StoreBytes { get; }

    internal ObservedValues QueueLength { get; }

    internal ObservedValues Leases { get; }

    internal ObservedValues State { get; }

    internal ObservedValues Memory { get; }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    /// <summary>A version is kept: until all of its number have been disposed, as one that comes back counts on.</summary>
    internal VersionMetrics ForVersion(string model, long version, TimeProvider clock)
    {
        lock (_lock)
            _kept[(model, version)] = _kept.GetValueOrDefault((model, version)) + 1;
        return new VersionMetrics(this, model, version, clock);
    }

    internal void Forget(string model, long version)
    {
        lock (_lock)
        {
            if (--_kept[(model, version)] > 0)
                return;
            _kept.Remove((model, version));
        }

        VersionForgotten?.Invoke(model, version.ToString(CultureInfo.InvariantCulture));
    }
}

/// <summary>A gauge that is read from whoever is registered when it is scraped.</summary>
internal sealed class ObservedValues
{
    private readonly Lock _lock = new();
    private readonly Dictionary<object, (Func<long> Read, TagList Tags)> _sources = [];

    internal ObservedValues(Meter meter, string name, string unit, string description) =>
        meter.CreateObservableGauge(name, Observe, unit, description);

    internal void Set(object owner, in TagList tags, Func<long> read)
    {
        lock (_lock)
            _sources[owner] = (read, tags);
    }

    internal void Remove(object owner)
    {
        lock (_lock)
            _sources.Remove(owner);
    }

    private List<Measurement<long>> Observe()
    {
        lock (_lock)
            return [.. _sources.Values.Select(s => new Measurement<long>(s.Read(), s.Tags))];
    }
}
