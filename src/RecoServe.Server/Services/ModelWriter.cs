using Google.Protobuf.WellKnownTypes;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Traffic;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>Turns models and versions into messages.</summary>
internal sealed class ModelWriter(ModelRegistry registry, TrafficWatch watch)
{
    internal IEnumerable<V1.Model> WriteAll() => registry.Models.Keys.Select(Write);

    /// <exception cref="ModelNotFoundException">There is no such model.</exception>
    internal V1.Model Write(string name)
    {
        if (!registry.Models.TryGetValue(name, out var versions))
            throw new ModelNotFoundException($"there is no model \"{name}\"; there is: {string.Join(", ", registry.Models.Keys)}");
        var traffic = registry.Traffic.Of(name);
        return new V1.Model
        {
            Name = name,
            Versions = { versions.Select(Write) },
            Default = name == registry.DefaultModel,
            Labels = { traffic.Labels },
            PreviousLabels = { traffic.Previous },
            CanaryPercent = registry.Traffic.CanaryPercentOf(name),
            Shadow = traffic.ShadowVersion is { } shadow ? new V1.Shadow { Version = shadow, Percent = traffic.ShadowPercent } : null,
        };
    }

    internal V1.ModelVersion Write(ModelVersion version)
    {
        var message = new V1.ModelVersion
        {
            Version = version.Version,
            State = (V1.VersionState)version.State,
            Failure = version.Failure ?? "",
            EstimatedBytes = version.EstimatedBytes,
            RolledBack = registry.Traffic.Of(version.Name).RolledBack.GetValueOrDefault(version.Version, ""),
        };
        if (version.NativeBytes is { } bytes)
            message.NativeBytes = bytes;
        if (watch.ShadowOf(version) is { } shadow)
            message.Shadow = Write(shadow);
        if (version.Package is not { Manifest: var manifest, Catalogue: var catalogue })
            return message;
        message.ItemCount = manifest.ItemCount;
        message.Dimension = manifest.Dimension;
        message.MaxHistory = manifest.MaxHistory;
        message.ContextFields.Add(manifest.ContextFields.Select(f => new V1.ContextField { Key = f.Key, Values = { f.Values } }));
        message.Attributes.Add(catalogue.Attributes.Keys);
        message.Metrics.Add(manifest.Metrics.ToDictionary());
        message.CreatedAt = manifest.CreatedAt.ToTimestamp();
        message.Network = manifest.Network;
        return message;
    }

    internal static V1.ReloadedVersion Write(ReloadOutcome outcome) => new()
    {
        Name = outcome.Name,
        Version = outcome.Version,
        Action = (V1.ReloadAction)outcome.Action,
        Reason = outcome.Reason,
    };

    private static V1.ShadowComparison Write(in ShadowSummary shadow)
    {
        var written = new V1.ShadowComparison
        {
            Compared = shadow.Compared,
            Dropped = shadow.Dropped,
            Failed = shadow.Failed,
            Overlap = shadow.Overlap,
            RankCorrelation = shadow.RankCorrelation,
            ScoreDrift = shadow.ScoreDrift,
        };
        if (shadow.Personal is { } personal)
            written.Personal = personal;
        return written;
    }
}
