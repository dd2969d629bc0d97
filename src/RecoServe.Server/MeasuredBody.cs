using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Threading.RateLimiting;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;

namespace RecoServe.Server;

/// <summary>
/// The body of a gRPC call: takes room in <see cref="RequestMemory"/> for each large message when its header has arrived, before the
/// message is read, and gives it back when the next message begins or the call ends.
/// </summary>
internal sealed class MeasuredBody(HttpContext context, RequestMemory memory) : PipeReader, IRequestBodyPipeFeature, IDisposable
{
    /// <summary>A flag for compression, and the length in four bytes, highest first.</summary>
    private const int HeaderBytes = 5;

    /// <summary>What a compressed message is taken to grow by: ids and numbers do not compress better.</summary>
    private const int Compression = 16;

    private readonly PipeReader _body = context.Request.BodyReader;
    private RateLimitLease? _lease;
    private SequencePosition _start;
    private bool _isMeasured;
    private bool _isRegistered;

    /// <inheritdoc/>
    public PipeReader Reader => this;

    /// <summary>Hands over the room of the message that was read last, null if it needs none: it is then the caller's to give back.</summary>
    internal static IDisposable? ClaimRoom(HttpContext context) =>
        context.Features.Get<IRequestBodyPipeFeature>() is MeasuredBody body ? Interlocked.Exchange(ref body._lease, null) : null;

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reading = _body.ReadAsync(cancellationToken);
        if (!reading.IsCompletedSuccessfully)
            return MeasureAsync(reading, cancellationToken);
        var result = reading.Result;
        return NeedsRoom(result, out var bytes) ? TakeRoomAsync(result, bytes, cancellationToken) : new(result);
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _isMeasured &= consumed.Equals(_start); // messages are consumed whole
        _body.AdvanceTo(consumed, examined);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => _body.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => _body.Complete(exception);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">gRPC reads asynchronously.</exception>
    public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose() => _lease?.Dispose();

    private async ValueTask<ReadResult> MeasureAsync(ValueTask<ReadResult> reading, CancellationToken cancellationToken)
    {
        var result = await reading;
        return NeedsRoom(result, out var bytes) ? await TakeRoomAsync(result, bytes, cancellationToken) : result;
    }

    private async ValueTask<ReadResult> TakeRoomAsync(ReadResult result, long bytes, CancellationToken cancellationToken)
    {
        if (!_isRegistered)
            context.Response.RegisterForDispose(this);
        _isRegistered = true;
        _lease = context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.Type is MethodType.ClientStreaming or MethodType.DuplexStreaming
            ? await memory.TakeAsync(bytes, cancellationToken)
            : memory.Take(bytes);
        return result;
    }

    /// <summary>Whether a large message begins.</summary>
    private bool NeedsRoom(in ReadResult result, out long bytes)
    {
        bytes = 0;
        _start = result.Buffer.Start;
        if (_isMeasured || result.Buffer.Length < HeaderBytes)
            return false;
        _isMeasured = true;
        Interlocked.Exchange(ref _lease, null)?.Dispose();
        Span<byte> header = stackalloc byte[HeaderBytes];
        result.Buffer.Slice(0, HeaderBytes).CopyTo(header);
        bytes = (header[0] == 0 ? 1L : Compression) * BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        return bytes > RequestMemory.Small;
    }
}
