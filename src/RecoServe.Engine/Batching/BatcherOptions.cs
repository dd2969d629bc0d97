using System.ComponentModel.DataAnnotations;

namespace RecoServe.Engine.Batching;

/// <summary>How requests of one model version are collected into batches.</summary>
public sealed class BatcherOptions
{
    /// <summary>Rows that may wait; the next one is refused.</summary>
    [Range(1, 1_000_000, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int QueueCapacity { get; set; } = 1024;

    /// <summary>
    /// How long a batch that is not full waits for more rows. 0: it is dispatched the moment the runner is free, and
    /// batches form while the previous one runs.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:00.002")]
    public TimeSpan MaxQueueDelay { get; set; } = TimeSpan.Zero;
}
