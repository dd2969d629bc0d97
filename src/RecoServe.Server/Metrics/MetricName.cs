using System.Globalization;
using System.Text.RegularExpressions;

namespace RecoServe.Server.Metrics;

/// <summary>How instruments and tags are called in Prometheus: units and kinds are part of the name, as OpenTelemetry maps them.</summary>
internal static partial class MetricName
{
    /// <summary>The name of a family.</summary>
    internal static string Of(string instrument, string? unit, bool isCounter, bool isGauge)
    {
        var name = Clean(instrument);
        var suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" when isGauge => "_ratio",
            _ => "",
        };
        if (!name.EndsWith(suffix, StringComparison.Ordinal))
            name += suffix;
        return isCounter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    /// <summary>Labels by name, without braces.</summary>
    internal static string LabelsOf(IEnumerable<KeyValuePair<string, object?>> tags) =>
        string.Join(',', tags.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{Clean(t.Key)}=\"{Escape(Convert.ToString(t.Value, CultureInfo.InvariantCulture) ?? "")}\""));

    private static string Escape(string value) =>
        value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    private static string Clean(string name) => Unsafe().Replace(name, "_");

    [GeneratedRegex("[^a-zA-Z0-9_:]")]
    private static partial Regex Unsafe();
}
