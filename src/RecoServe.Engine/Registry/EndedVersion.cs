namespace RecoServe.Engine.Registry;

/// <summary>Why no look loads a version that has ended. Remembered when the version itself is not shown any more.</summary>
/// <param name="Files">The fingerprint of its files: others are tried.</param>
/// <param name="Reason">For people.</param>
/// <param name="RefusedBytes">What it was expected to take, if it did not fit: where there is room it is tried; else null.</param>
internal sealed record EndedVersion(string Files, string Reason, long? RefusedBytes)
{
    /// <summary>Null if a look may load it.</summary>
    internal static EndedVersion? Of(ModelVersion version) => version switch
    {
        { EndedByHand: true } => new(version.Files, "was unloaded on demand, and its files have not changed", null),
        { State: VersionState.Failed } => new(version.Files, $"failed before, and its files have not changed: {version.Failure}", version.WasRefused ? version.EstimatedBytes : null),
        _ => null,
    };

    /// <summary>Whether it is still not to be tried.</summary>
    internal bool Holds(string files, MemoryBudget budget) => Files == files && !(RefusedBytes is { } bytes && budget.Fits(bytes));
}
