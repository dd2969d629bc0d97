namespace RecoServe.Engine.Batching;

/// <summary>What a row shall be.</summary>
/// <param name="Input">What the encoder reads.</param>
/// <param name="WantsLogits">Whether the logits of all items are wanted, beside the user state.</param>
/// <param name="Deadline">When the answer is worth nothing any more; <see cref="DateTimeOffset.MaxValue"/> if never.</param>
/// <param name="Priority">Its place among others.</param>
/// <param name="ShedOnce">That of a request of several rows; null: it is one.</param>
internal readonly record struct RowRequest<TInput>(
    TInput Input, bool WantsLogits, DateTimeOffset Deadline, RequestPriority Priority = RequestPriority.Normal, ShedOnce? ShedOnce = null);
