using System.Globalization;
using System.Text;

namespace RecoServe.Server.Metrics;

/// <summary>What was measured with one set of tags. Thread-safe.</summary>
/// <param name="labels">As they are exposed, without braces; empty if there are none.</param>
/// <param name="bounds">Upper bounds of a histogram's buckets, ascending; null: it is a value.</param>
internal sealed class MetricSeries(string labels, double[]? bounds)
{
    private readonly Lock _lock = new();
    private readonly long[] _counts = new long[bounds?.Length + 1 ?? 0];
    private double _value;

    /// <summary>Sets the value.</summary>
    internal void Set(double value)
    {
        lock (_lock)
            _value = value;
    }

    /// <summary>Adds to the value; to a histogram, one measurement.</summary>
    internal void Add(double value)
    {
        lock (_lock)
        {
            _value += value;
            if (bounds is not null)
                _counts[BucketOf(value)]++;
        }
    }

    internal void Write(StringBuilder text, string name)
    {
        var (value, counts) = Read();
        if (bounds is null)
        {
            Line(text, name, "", labels, value);
            return;
        }

        var (seen, separator) = (0L, labels.Length > 0 ? "," : "");
        for (var bucket = 0; bucket < counts.Length; bucket++)
        {
            seen += counts[bucket];
            var bound = bucket < bounds.Length ? Text(bounds[bucket]) : "+Inf";
            Line(text, name, "_bucket", $"{labels}{separator}le=\"{bound}\"", seen);
        }

        Line(text, name, "_sum", labels, value);
        Line(text, name, "_count", labels, seen);
    }

    private (double Value, long[] Counts) Read()
    {
        lock (_lock)
            return (_value, [.. _counts]);
    }

    private int BucketOf(double value)
    {
        var bucket = 0;
        while (bucket < bounds!.Length && value > bounds[bucket])
            bucket++;
        return bucket;
    }

    private static void Line(StringBuilder text, string name, string suffix, string labels, double value)
    {
        text.Append(name).Append(suffix);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Text(value)).Append('\n');
    }

    private static string Text(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };
}
