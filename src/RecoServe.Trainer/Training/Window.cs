using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Training;

/// <summary>A run of one user's events.</summary>
/// <param name="Items">Item indexes, oldest first.</param>
/// <param name="Context">For each context field, the code at every event.</param>
/// <param name="Start">Number of the user's events before these. If there are any, the first event is no target: its state would be that of an empty history.</param>
/// <param name="Feedback">
/// What is learned at these events; steps from <paramref name="Start"/> on, or after it if there are events before. Null: every
/// event is a target with reward 1.
/// </param>
/// <param name="Times">When the events were, milliseconds since 1970 UTC; empty if that is not known.</param>
internal sealed record Window(
    ReadOnlyMemory<int> Items, IReadOnlyList<ReadOnlyMemory<ushort>> Context, int Start = 0, FeedbackRows? Feedback = null, ReadOnlyMemory<long> Times = default);
