namespace RecoServe.Engine.Registry;

/// <summary>What the repository has of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Complete">Versions with a manifest, newest first.</param>
/// <param name="Incomplete">Versions without one: they are still being written, newest first.</param>
internal sealed record RepositoryModel(string Name, IReadOnlyList<long> Complete, IReadOnlyList<long> Incomplete);
