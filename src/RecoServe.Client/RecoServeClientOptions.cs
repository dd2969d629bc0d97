using System.ComponentModel.DataAnnotations;

namespace RecoServe.Client;

/// <summary>How to reach the servers and how long to wait for them.</summary>
public sealed class RecoServeClientOptions
{
    /// <summary>
    /// Address of the servers. <c>http://host:5000</c> is one server; <c>dns:///host:5000</c> spreads calls over every
    /// address the name has, in turn.
    /// </summary>
    [Required]
    public Uri Address { get; set; } = new("http://localhost:5000");

    /// <summary>Deadline of every Recommend and Score. The server drops what it cannot answer in time.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Tries of a call, the first included, while the server is unavailable or overloaded; 1 never tries again. Waits as
    /// the server asks, and never past the deadline.
    /// </summary>
    [Range(1, 5)]
    public int MaxAttempts { get; set; } = 3;
}
