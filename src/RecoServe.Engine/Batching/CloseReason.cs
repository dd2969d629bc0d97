namespace RecoServe.Engine.Batching;

/// <summary>Why a batch was dispatched as it was.</summary>
internal enum CloseReason
{
    /// <summary>It had as many rows as a run can have.</summary>
    Full,

    /// <summary>Nothing else waited, and waiting for more was not worth it.</summary>
    QueueEmpty,

    /// <summary>It had waited for more rows as long as it may.</summary>
    DelayOver,

    /// <summary>What else waited was of another length: padding would have cost more than a batch of its own.</summary>
    Padding,

    /// <summary>What else waited was of another shape, or wants other outputs.</summary>
    Shape,

    /// <summary>With what else waited a row would have come too late, of it or of the batch.</summary>
    Hopeless,

    /// <summary>The rows of a batch that failed, one by one.</summary>
    Retry,
}
