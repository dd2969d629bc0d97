using System.ComponentModel.DataAnnotations;

namespace RecoServe.Server;

/// <summary>Where the server listens, what it takes in and when it gives up.</summary>
internal sealed class ServerOptions
{
    /// <summary>IP address to listen on; <c>0.0.0.0</c> or <c>::</c> for all. There is no TLS: on other than loopback put a proxy in front.</summary>
    [IPAddress]
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>Port of gRPC (HTTP/2 without TLS); 0 takes a free one.</summary>
    [Range(0, 65535, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int Port { get; set; } = 5000;

    /// <summary>Port of <c>/metrics</c>, <c>/healthz</c> and <c>/readyz</c> (HTTP/1.1); 0 takes a free one.</summary>
    [Range(0, 65535, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int HttpPort { get; set; } = 5001;

    /// <summary>
    /// How long work may wait for a thread: while it stands longer, new requests are refused with RESOURCE_EXHAUSTED before they
    /// are read.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:00.010")]
    public TimeSpan MaxThreadDelay { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Largest request, in bytes, of the Open Inference Protocol; of other services it is 4 MiB.</summary>
    [Range(1 << 16, int.MaxValue, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int MaxTensorBytes { get; set; } = 64 << 20;

    /// <summary>
    /// Bytes of memory for requests above 16 KiB that are read or answered at one time: each counts for sixteen times its size, one of
    /// raw tensors for twice, as do the tensors of an answer, one of typed contents as what its elements become, a compressed one as what it
    /// has become. 0: an eighth of the memory that the process may have.
    /// </summary>
    [Range(typeof(long), "0", "9223372036854775807", ErrorMessage = "must be a number of bytes, 0 or more")]
    public long LargeRequestMemory { get; set; }

    /// <summary>
    /// After so long without a word on a gRPC connection its peer is asked (an HTTP/2 ping); after as long again without an answer
    /// the connection ends and with it the calls and streams on it. Peers that vanish without a word would hold them for good.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:30")]
    public TimeSpan KeepAlivePing { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// When the server stops: how long, after the last answer, connections stay and callers are told UNAVAILABLE, so that they go
    /// elsewhere.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "must be a time from {1} to {2}, such as 00:00:00.250")]
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromMilliseconds(250);
}
