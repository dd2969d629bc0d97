using System.ComponentModel.DataAnnotations;

namespace RecoServe.Engine.Traffic;

/// <summary>
/// When the version labelled <c>canary</c> is rolled back by itself. It is judged against the version that answers the other
/// requests in the same time, over a sliding window, by exact tests: chance alone must not suffice.
/// </summary>
public sealed class RollbackOptions
{
    /// <summary>Whether it is judged at all.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How far back requests count, at most the last 1,000 of each version.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "must be a time from {1} to {2}, such as 00:10:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Requests of the canary in the window before errors are judged, and of either version before latency is.</summary>
    [Range(20, 1000, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int MinRequests { get; set; } = 100;

    /// <summary>Share of requests that the model may fail to compute, or as many as the other version fails.</summary>
    [Range(0.0001, 1.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double MaxErrorRate { get; set; } = 0.01;

    /// <summary>Share of answers that may be NaN or +∞; judged from the first on.</summary>
    [Range(0.00001, 1.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double MaxInvalidRate { get; set; } = 0.001;

    /// <summary>
    /// How many times as long as the other version's its requests may take, at the 90th percentile; and its batches, in units of what one of their shape takes
    /// the other version.
    /// </summary>
    [Range(1.0, 1000.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double MaxLatencyRatio { get; set; } = 2;

    /// <summary>What they may take longer in any case.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:00.005")]
    public TimeSpan LatencySlack { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Share of the canary's answers, in percent, that are compared with what the other version would have answered.</summary>
    [Range(0.0, 100.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double ComparePercent { get; set; } = 10;

    /// <summary>Comparisons in the window before drift is judged.</summary>
    [Range(30, 1000, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int MinComparisons { get; set; } = 50;

    /// <summary>
    /// Share of items that at least half of the compared answers must have in common; where half of it is there by chance, as items are few, their order must
    /// agree more than by chance too. At least half of those that say something of the user must have a quarter of what the other version knows of the user. 0: not judged.
    /// </summary>
    [Range(0.0, 1.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double MinOverlap { get; set; } = 0.1;

    /// <summary>Rank correlation that at least half of them must have. −1: not judged.</summary>
    [Range(-1.0, 1.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double MinRankCorrelation { get; set; } = -1;

    /// <summary>Mean difference of log-probabilities that at least half of them must not pass. 0: not judged.</summary>
    [Range(0.0, 1000.0, ErrorMessage = "must be a number from {1} to {2}")]
    public double MaxScoreDrift { get; set; }

    /// <summary>Probability of a judgement by chance, at each look.</summary>
    [Range(1e-15, 0.01, ErrorMessage = "must be a number from {1} to {2}")]
    public double FalseAlarm { get; set; } = 1e-7;
}
