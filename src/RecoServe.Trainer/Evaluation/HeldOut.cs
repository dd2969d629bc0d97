namespace RecoServe.Trainer.Evaluation;

/// <summary>One question that a split asks, with its answers.</summary>
/// <param name="User">Index of the user in the log.</param>
/// <param name="Position">The event before which it is asked: all earlier ones of the user are its history, and the context is this event's.</param>
/// <param name="Items">What was watched then: the relevant items, at least one, each once.</param>
internal readonly record struct HeldOut(int User, int Position, ReadOnlyMemory<int> Items);
