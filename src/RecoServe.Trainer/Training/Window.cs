namespace RecoServe.Trainer.Training;

/// <summary>A run of one user's events.</summary>
/// <param name="Items">Item indexes, oldest first.</param>
/// <param name="Context">For each context field, the code at every event.</param>
internal sealed record Window(ReadOnlyMemory<int> Items, IReadOnlyList<ReadOnlyMemory<ushort>> Context);
