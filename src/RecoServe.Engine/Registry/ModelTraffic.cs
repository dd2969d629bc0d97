using System.Collections.Immutable;

namespace RecoServe.Engine.Registry;

/// <summary>Which versions of a model answer which requests. Immutable; kept in the repository as <c>&lt;name&gt;/traffic.json</c>.</summary>
public sealed record ModelTraffic
{
    /// <summary>Nothing is set.</summary>
    internal static readonly ModelTraffic None = new();

    /// <summary>The version that each label points at.</summary>
    public ImmutableSortedDictionary<string, long> Labels { get; init; } = Empty<long>();

    /// <summary>The version that each label pointed at before.</summary>
    public ImmutableSortedDictionary<string, long> Previous { get; init; } = Empty<long>();

    /// <summary>Share of the requests without version and label, in percent, that the canary answers; null: as the options say.</summary>
    public double? CanaryPercent { get; init; }

    /// <summary>The version that gets copies of requests, to be compared; null: none.</summary>
    public long? ShadowVersion { get; init; }

    /// <summary>Share of the requests, in percent, of which it gets a copy.</summary>
    public double ShadowPercent { get; init; }

    /// <summary>Versions that were rolled back, by number, and why: they get no requests but those that name them, and are not loaded by policy.</summary>
    public ImmutableSortedDictionary<long, string> RolledBack { get; init; } = ImmutableSortedDictionary<long, string>.Empty;

    /// <summary>A label that points at a version; null if there is none.</summary>
    internal string? LabelOf(long version)
    {
        foreach (var (label, holder) in Labels)
        {
            if (holder == version)
                return label;
        }

        return null;
    }

    /// <summary>The version that a label points at; null if it is not set.</summary>
    internal long? HolderOf(string label) => Labels.TryGetValue(label, out var version) ? version : null;

    /// <summary>Points a label at a version, which may then answer again if it was rolled back.</summary>
    internal ModelTraffic Point(string label, long version) => HolderOf(label) == version && !RolledBack.ContainsKey(version) ? this : this with
    {
        CanaryPercent = PercentAfter(label, version),
        Labels = Labels.SetItem(label, version),
        Previous = HolderOf(label) is { } holder && holder != version ? Previous.SetItem(label, holder) : Previous,
        RolledBack = RolledBack.Remove(version),
    };

    /// <summary>Takes a label away.</summary>
    internal ModelTraffic Remove(string label) => HolderOf(label) is not { } holder ? this : this with
    {
        CanaryPercent = PercentAfter(label, null),
        Labels = Labels.Remove(label),
        Previous = Previous.SetItem(label, holder),
    };

    /// <summary>As it was read, with what the file does not name.</summary>
    internal ModelTraffic Complete() => this with
    {
        Labels = (Labels ?? Empty<long>()).WithComparers(StringComparer.Ordinal),
        Previous = (Previous ?? Empty<long>()).WithComparers(StringComparer.Ordinal),
        RolledBack = RolledBack ?? ImmutableSortedDictionary<long, string>.Empty,
    };

    /// <summary>A share was given to one canary: the next does not begin where that one had come to.</summary>
    private double? PercentAfter(string label, long? holder) =>
        label == Registry.Labels.Canary && HolderOf(label) is { } before && before != holder ? null : CanaryPercent;

    private static ImmutableSortedDictionary<string, T> Empty<T>() => ImmutableSortedDictionary.Create<string, T>(StringComparer.Ordinal);
}
