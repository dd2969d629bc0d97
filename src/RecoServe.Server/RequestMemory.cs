using System.Threading.RateLimiting;
using Google.Rpc;
using Microsoft.AspNetCore.Http.Features;

namespace RecoServe.Server;

/// <summary>
/// Room for large requests. A message of four megabytes, the largest, becomes fifty once it is read, and a few hundred at a time would
/// be the end of the process: so many are read as there is room for, and held until they are answered; the next is refused, its bytes
/// still with the caller, or waits if it comes by a stream. Small ones, of which the queues bound the number, need no room.
/// </summary>
internal sealed class RequestMemory(ServerOptions options, ServerMetrics metrics) : IDisposable
{
    /// <summary>Bytes of a message that needs no room.</summary>
    internal const int Small = 16 << 10;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private readonly int _limit = LimitOf(options);

    private readonly ConcurrencyLimiter _room = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = LimitOf(options),
        QueueLimit = int.MaxValue, // bytes of the messages that streams wait to read
    });

    /// <summary>Bytes for which there is room.</summary>
    internal long Free => _room.GetStatistics()!.CurrentAvailablePermits;

    /// <summary>The middleware.</summary>
    internal Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true)
            context.Features.Set<IRequestBodyPipeFeature>(new MeasuredBody(context, this));
        return next(context);
    }

    /// <summary>Takes room for a message that is the call's only one.</summary>
    /// <exception cref="Grpc.Core.RpcException">There is none.</exception>
    internal RateLimitLease Take(long bytes)
    {
        var lease = _room.AttemptAcquire(Permits(bytes));
        if (lease.IsAcquired)
            return lease;
        lease.Dispose();
        metrics.Refused(RefusalReason.MemoryFull);
        throw CallStatus.Retry(Code.ResourceExhausted, "the server has no room for a request of this size at present", RetryAfter);
    }

    /// <summary>Takes room for a message of a stream as soon as there is some.</summary>
    internal ValueTask<RateLimitLease> TakeAsync(long bytes, CancellationToken cancellationToken) => _room.AcquireAsync(Permits(bytes), cancellationToken);

    public void Dispose() => _room.Dispose();

    private static int LimitOf(ServerOptions options) => options.LargeRequestBytes > 0
        ? options.LargeRequestBytes
        : (int)Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 128, 4 << 20, int.MaxValue);

    /// <summary>What is larger than all the room is taken alone.</summary>
    private int Permits(long bytes) => (int)Math.Min(bytes, _limit);
}
