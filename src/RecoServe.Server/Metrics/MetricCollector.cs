using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using RecoServe.Engine;

namespace RecoServe.Server.Metrics;

/// <summary>
/// Sums up what the server's instruments measure, those of the runtime and those of Kestrel, for <c>/metrics</c>. What a model version has
/// measured is kept as long as the engine keeps the version: however many come and go, the answer stays as small.
/// </summary>
internal sealed class MetricCollector : IDisposable
{
    /// <summary>Prometheus' text format.</summary>
    internal const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const string RuntimeMeter = "System.Runtime";
    private const string KestrelMeter = "Microsoft.AspNetCore.Server.Kestrel";

    private readonly Lock _scrape = new();
    private readonly ConcurrentDictionary<Instrument, MetricFamily> _families = [];
    private readonly MeterListener _listener = new();
    private readonly EngineMetrics _engine;

    /// <param name="engine">The engine's instruments.</param>
    /// <param name="server">The server's own.</param>
    /// <param name="factory">Makes this server's meter of Kestrel: others of the process have theirs.</param>
    public MetricCollector(EngineMetrics engine, ServerMetrics server, IMeterFactory factory)
    {
        _engine = engine;
        _engine.VersionForgotten += Forget;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == engine.Meter || instrument.Meter == server.Meter || instrument.Meter.Name == RuntimeMeter || (instrument.Meter.Name == KestrelMeter && instrument.Meter.Scope == factory))
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, static i => new MetricFamily(i)));
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, family) => ((MetricFamily)family!).Measure(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => ((MetricFamily)family!).Measure(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => ((MetricFamily)family!).Measure(value, tags));
        _listener.Start();
    }

    /// <summary>What Prometheus reads.</summary>
    internal string Scrape()
    {
        var text = new StringBuilder();
        text.Append($"# TYPE target_info gauge\ntarget_info{{service_name=\"recoserve\",service_version=\"{CommandLine.Version}\"}} 1\n");
        lock (_scrape)
        {
            foreach (var (_, family) in _families)
                family.BeginObservation();
            _listener.RecordObservableInstruments();
            foreach (var (_, family) in _families.OrderBy(f => f.Value.Name, StringComparer.Ordinal))
                family.Write(text);
        }

        return text.ToString();
    }

    public void Dispose()
    {
        _engine.VersionForgotten -= Forget;
        _listener.Dispose();
    }

    private void Forget(string model, string version)
    {
        foreach (var (_, family) in _families)
            family.Forget(model, version);
    }
}
