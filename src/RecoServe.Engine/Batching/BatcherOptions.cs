using System.ComponentModel.DataAnnotations;

namespace RecoServe.Engine.Batching;

/// <summary>How requests of one model version are collected into batches.</summary>
public sealed record BatcherOptions
{
    /// <summary>Rows that may wait; the next one is refused.</summary>
    [Range(1, 65_536, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int QueueCapacity { get; set; } = 1024;

    /// <summary>Memory, in bytes, that the inputs of waiting rows may hold; the next one is refused.</summary>
    [Range(1 << 16, int.MaxValue, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int QueueBytes { get; set; } = 64 << 20;

    /// <summary>
    /// How long, at most, a batch that is not full waits for more rows, and only while the time that its rows lose is repaid by
    /// the runs it saves. 0: it is dispatched the moment a runner is free, and batches form while the previous one runs.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:00.002")]
    public TimeSpan MaxQueueDelay { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// After waiting for so long a row is due whatever its deadline, and rises to the next priority, so that nothing starves.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:10:00", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:01")]
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether a request that cannot be answered before its deadline is refused when it arrives.</summary>
    public bool RefuseHopeless { get; set; } = true;
}
