using System.Buffers;
using Google.Rpc;
using Microsoft.AspNetCore.Http.Features;

namespace RecoServe.Server;

/// <summary>
/// Memory for large requests. A message of four megabytes becomes fifty once it is read, and a few hundred at a time would be the end
/// of the process: so many are read as there is memory for, and hold it until they are answered; the next is refused, unread. Small
/// ones, of which the queues bound the number, are not counted. Answers that are tensors are counted too (<see cref="AnswerMemory"/>).
/// </summary>
internal sealed class RequestMemory(ServerOptions options, ServerMetrics metrics, TimeProvider clock)
{
    /// <summary>Bytes of memory that a request may take without being counted.</summary>
    internal const long Small = 256 << 10;

    /// <summary>When there may be memory again.</summary>
    internal static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(100);

    private static readonly PathString TensorPath = $"/{Contracts.Inference.GRPCInferenceService.Descriptor.FullName}";

    private readonly MessageSize _tensors = new(Growth: 2, options.MaxTensorBytes, TensorMessage.MemoryOf);
    private readonly MessageSize _others = new(Growth: 16, RecoServeApplication.MaxRequestBytes);
    private long _held;

    /// <summary>Bytes that there are for all.</summary>
    internal long Limit { get; } = options.LargeRequestMemory > 0 ? options.LargeRequestMemory : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8;

    /// <summary>Bytes that are taken.</summary>
    internal long Held => Volatile.Read(ref _held);

    /// <summary>The middleware.</summary>
    internal Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (CallStatus.IsCall(context.Request))
        {
            var size = context.Request.Path.StartsWithSegments(TensorPath, StringComparison.Ordinal) ? _tensors : _others;
            var body = new MeasuredBody(context, this, size, clock);
            context.Features.Set<IRequestBodyPipeFeature>(body);
            if (size.WhenParsed is not null || context.Request.Headers.ContainsKey("grpc-encoding"))
                return body.ServeAsync(next);
        }

        return next(context);
    }

    /// <summary>Takes memory for a request; one that alone is more than there is for all may come alone.</summary>
    /// <returns>Gives it back when disposed.</returns>
    /// <exception cref="Grpc.Core.RpcException">There is none.</exception>
    internal Part Take(long bytes)
    {
        var part = new Part(this);
        part.GrowTo(bytes);
        return part;
    }

    /// <summary>Of which more is taken later.</summary>
    internal Part Nothing() => new(this);

    private bool TryAdd(long bytes, long all)
    {
        if (Interlocked.Add(ref _held, bytes) is var held && (held <= Limit || held == all))
            return true;
        Interlocked.Add(ref _held, -bytes);
        metrics.Refused(RefusalReason.MemoryFull);
        return false;
    }

    /// <summary>The memory of one request.</summary>
    internal sealed class Part(RequestMemory memory) : IDisposable
    {
        private long _bytes;

        /// <summary>Takes what is missing to so much.</summary>
        /// <exception cref="Grpc.Core.RpcException">There is none; what was taken before stays.</exception>
        internal void GrowTo(long bytes)
        {
            if (bytes > _bytes && !TryGrowBy(bytes - _bytes))
                throw CallStatus.Retry(Code.ResourceExhausted, "the server has no memory for a request of this size at present", RetryAfter);
        }

        /// <summary>Takes so much more; false if there is none, and what was taken before stays.</summary>
        internal bool TryGrowBy(long bytes)
        {
            if (!memory.TryAdd(bytes, _bytes + bytes))
                return false;
            _bytes += bytes;
            return true;
        }

        public void Dispose() => Interlocked.Add(ref memory._held, -Interlocked.Exchange(ref _bytes, 0));
    }
}

/// <summary>What is known of the size of a service's messages.</summary>
/// <param name="Growth">What a byte that is sent becomes once it is read: a watch of ten bytes is an object and a string, of 120.</param>
/// <param name="MaxBytes">The largest message that is taken.</param>
/// <param name="WhenParsed">What a message takes, if its length does not tell: known when all of it is there.</param>
internal readonly record struct MessageSize(int Growth, int MaxBytes, Func<ReadOnlySequence<byte>, long>? WhenParsed = null);
