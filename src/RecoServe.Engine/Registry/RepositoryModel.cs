namespace RecoServe.Engine.Registry;

/// <summary>What the repository has of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Complete">Versions with a manifest, or that are plain graphs, newest first.</param>
/// <param name="Incomplete">Versions with neither: they are still being written, newest first.</param>
public sealed record RepositoryModel(string Name, IReadOnlyList<long> Complete, IReadOnlyList<long> Incomplete);
