using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Rpc;
using Microsoft.AspNetCore.Http.Features;

namespace RecoServe.Server;

/// <summary>
/// The body of a gRPC call: takes memory (<see cref="RequestMemory"/>) for each large message when its header has arrived, before the
/// message is read, and gives it back when the next message begins or the call ends.
/// </summary>
internal sealed class MeasuredBody(HttpContext context, RequestMemory memory, MessageSize size, TimeProvider clock) : PipeReader, IRequestBodyPipeFeature, IDisposable
{
    /// <summary>A large message that holds memory must have come whole after this time.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A flag for compression, and the length in four bytes, highest first.</summary>
    private const int HeaderBytes = 5;

    /// <summary>Emptied when the call ends: whatever it has begun, a timer of a model say, keeps what flows with it.</summary>
    private static readonly AsyncLocal<StrongBox<MeasuredBody?>?> OfCall = new();

    private readonly PipeReader _body = context.Request.BodyReader;
    private RequestMemory.Part? _memory;
    private SequencePosition _start;
    private bool _hasBegun;
    private long _begun;
    private bool _isRegistered;

    /// <summary>That of the call which this code runs for, if more is told of its messages than their length.</summary>
    internal static MeasuredBody? Current => OfCall.Value?.Value;

    /// <inheritdoc/>
    public PipeReader Reader => this;

    /// <summary>Hands over the memory of the message that was read last, null if it was not counted: it is then the caller's to give back.</summary>
    internal static RequestMemory.Part? Claim(HttpContext context) =>
        context.Features.Get<IRequestBodyPipeFeature>() is MeasuredBody body ? Interlocked.Exchange(ref body._memory, null) : null;

    /// <summary>Lets those find it who inflate and parse the call's messages.</summary>
    internal async Task ServeAsync(RequestDelegate next)
    {
        var box = new StrongBox<MeasuredBody?>(this);
        OfCall.Value = box;
        try
        {
            await next(context);
        }
        finally
        {
            box.Value = null;
        }
    }

    /// <summary>Takes more memory for a message of which so many bytes have been inflated: how many there will be, nobody knows before.</summary>
    /// <exception cref="Grpc.Core.RpcException">There is none.</exception>
    internal void Inflated(long length) => Grow(size.Growth * Math.Min(length, size.MaxBytes)); // what is longer, gRPC refuses

    /// <summary>Takes more memory for a message that becomes more than its length tells, before it is parsed.</summary>
    /// <exception cref="Grpc.Core.RpcException">There is none.</exception>
    internal void Parsing(in ReadOnlySequence<byte> message) => Grow(size.WhenParsed?.Invoke(message) ?? 0);

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var reading = _body.ReadAsync(cancellationToken);
        if (!reading.IsCompletedSuccessfully)
            return MeasureAsync(reading);
        var result = reading.Result;
        Measure(result);
        return new(result);
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _hasBegun &= consumed.Equals(_start); // messages are consumed whole
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
    public void Dispose() => Interlocked.Exchange(ref _memory, null)?.Dispose();

    private async ValueTask<ReadResult> MeasureAsync(ValueTask<ReadResult> reading)
    {
        var result = _hasBegun && _memory is not null ? await InTimeAsync(reading.AsTask()) : await reading;
        Measure(result);
        return result;
    }

    /// <summary>Whoever stops halfway must not keep the memory from others.</summary>
    private async Task<ReadResult> InTimeAsync(Task<ReadResult> reading)
    {
        var left = Patience - clock.GetElapsedTime(_begun);
        try
        {
            return await reading.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, clock);
        }
        catch (TimeoutException)
        {
            _body.CancelPendingRead();
            throw CallStatus.Status(Code.DeadlineExceeded, $"the message did not come whole within {Patience.TotalSeconds} seconds of its first bytes");
        }
    }

    /// <summary>Takes memory where a large message begins.</summary>
    private void Measure(in ReadResult result)
    {
        _start = result.Buffer.Start;
        if (_hasBegun || result.Buffer.Length < HeaderBytes)
            return;
        _hasBegun = true;
        Dispose();
        Span<byte> header = stackalloc byte[HeaderBytes];
        result.Buffer.Slice(0, HeaderBytes).CopyTo(header);
        long length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (length > size.MaxBytes)
            return; // gRPC refuses it unread
        Grow(size.Growth * length);
    }

    /// <summary>Takes what is missing to so much, unless that is little.</summary>
    private void Grow(long bytes)
    {
        if (_memory is not null)
            _memory.GrowTo(bytes);
        else if (bytes > RequestMemory.Small)
            Take(bytes);
    }

    private void Take(long bytes)
    {
        if (!_isRegistered)
            context.Response.RegisterForDispose(this);
        _isRegistered = true;
        _memory = memory.Take(bytes);
        _begun = clock.GetTimestamp();
    }
}
