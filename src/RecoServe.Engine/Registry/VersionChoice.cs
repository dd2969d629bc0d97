using System.Collections.Immutable;

namespace RecoServe.Engine.Registry;

/// <summary>Takes a lease on the version that was chosen, or by default on the newest.</summary>
internal static class VersionChoice
{
    /// <summary>A lease; null if none of those that were asked for serves.</summary>
    /// <param name="versions">Newest first.</param>
    /// <param name="traffic">Of the model.</param>
    /// <param name="version">Null: the newest but the canary and those that were rolled back; if there is no other, the newest.</param>
    /// <param name="label">The label by which it was chosen.</param>
    internal static ModelLease? TryAcquire(ImmutableArray<ModelVersion> versions, ModelTraffic traffic, long? version, string label)
    {
        var canary = version is null ? traffic.HolderOf(Labels.Canary) : null;
        foreach (var candidate in versions)
        {
            var wanted = version is { } number ? candidate.Version == number : candidate.Version != canary && !traffic.RolledBack.ContainsKey(candidate.Version);
            if (wanted && candidate.TryAcquire(label, out var lease))
                return lease;
        }

        return version is null ? TryAcquireAny(versions) : null;
    }

    private static ModelLease? TryAcquireAny(ImmutableArray<ModelVersion> versions)
    {
        foreach (var candidate in versions)
        {
            if (candidate.TryAcquire(out var lease))
                return lease;
        }

        return null;
    }
}
