using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace RecoServe.Server.Metrics;

/// <summary>What one instrument has measured: a series for each set of tags. Thread-safe.</summary>
internal sealed class MetricFamily
{
    /// <summary>Of an instrument that gives no buckets.</summary>
    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], MetricSeries> _series = new(TagComparer.Instance);
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], MetricSeries>.AlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>> _lookup;
    private readonly string _help;
    private readonly string _type;
    private readonly bool _isAbsolute;
    private readonly bool _isObserved;
    private readonly double[]? _bounds;

    internal MetricFamily(Instrument instrument)
    {
        _lookup = _series.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();
        var kind = instrument.GetType().GetGenericTypeDefinition();
        var isCounter = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>);
        var isHistogram = kind == typeof(Histogram<>);
        _isObserved = instrument.IsObservable;
        _isAbsolute = _isObserved || kind == typeof(Gauge<>);
        _bounds = isHistogram ? BoundsOf(instrument) : null;
        _type = isHistogram ? "histogram" : isCounter ? "counter" : "gauge";
        _help = (instrument.Description ?? "").Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);
        Name = MetricName.Of(instrument.Name, instrument.Unit, isCounter, isGauge: _type == "gauge");
    }

    /// <summary>As it is exposed.</summary>
    internal string Name { get; }

    internal void Measure(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (!_lookup.TryGetValue(tags, out var series))
            series = _series.GetOrAdd(tags.ToArray(), static (tags, bounds) => new MetricSeries(MetricName.LabelsOf(tags), bounds), _bounds);
        if (_isAbsolute)
            series.Set(value);
        else
            series.Add(value);
    }

    /// <summary>What is observed is what there is: who is not told of any more is gone.</summary>
    internal void BeginObservation()
    {
        if (_isObserved)
            _series.Clear();
    }

    /// <summary>Forgets what a model version has measured.</summary>
    internal void Forget(string model, string version)
    {
        foreach (var tags in _series.Keys)
        {
            if (tags is [{ Key: "model" } first, { Key: "version" } second, ..] && Equals(first.Value, model) && Equals(second.Value, version))
                _series.TryRemove(tags, out _);
        }
    }

    internal void Write(StringBuilder text)
    {
        if (_series.IsEmpty)
            return;
        text.Append("# TYPE ").Append(Name).Append(' ').Append(_type).Append('\n');
        text.Append("# HELP ").Append(Name).Append(' ').Append(_help).Append('\n');
        foreach (var (_, series) in _series)
            series.Write(text, Name);
    }

    private static double[] BoundsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
        Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
        _ => DefaultBounds,
    };
}
