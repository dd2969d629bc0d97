using System.Buffers.Binary;
using System.Net.Sockets;
using Grpc.Core;

namespace RecoServe.LoadGenerator.Http2;

/// <summary>
/// Unary gRPC calls over one HTTP/2 connection (RFC 9113) without TLS, at a fraction of what a general client costs: the
/// generator shares the machine with the server, and at twice the server's capacity there would be nothing left for the server.
/// Nothing is retried, no status is an exception. Deadlines are the server's business: an answer after its deadline is seen.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int Window = int.MaxValue / 2;
    private const int DefaultWindow = 65535;
    private const int DefaultStreams = 100;

    private readonly Socket _socket;
    private readonly byte[] _headers;
    private readonly bool _reads;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();

    // All below: under the gate.
    private readonly Dictionary<int, Call> _calls = [];
    private readonly FrameSender _sender;
    private bool _isClosed;
    private int _lastStream = -1;
    private long _window = DefaultWindow;
    private long _maxStreams = DefaultStreams;
    private long _unacknowledged;

    private Connection(Socket socket, byte[] headers, bool reads) =>
        (_socket, _headers, _reads, _sender) = (socket, headers, reads, new FrameSender(socket, _gate));

    /// <summary>Connects.</summary>
    /// <param name="address">The server.</param>
    /// <param name="path">The method: <c>/package.Service/Method</c>.</param>
    /// <param name="timeout">What the server is told of every call's deadline.</param>
    /// <param name="reads">Whether more than the server's settings is read; if not, calls end with the connection.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    internal static async Task<Connection> OpenAsync(Uri address, string path, TimeSpan timeout, bool reads = true)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (!reads)
            socket.ReceiveBufferSize = 4096; // the system reads on its own until this is full
        await socket.ConnectAsync(address.Host, address.Port);
        var connection = new Connection(socket, HeaderBlock.Request(address.Authority, path, timeout), reads);
        connection.SendPreface();
        _ = connection.ReadAsync();
        await connection._ready.Task; // the settings say how many calls may be under way
        return connection;
    }

    /// <summary>Makes a call. If the server lets no more be under way, it ends at once as Unavailable.</summary>
    internal Task<Answer> CallAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        var call = new Call();
        int stream;
        lock (_gate)
        {
            var length = Call.PrefixBytes + message.Length;
            if (_isClosed || _calls.Count >= _maxStreams || length > _window)
                return Task.FromResult(new Answer(StatusCode.Unavailable, default));
            stream = checked(_lastStream += 2);
            _calls.Add(stream, call);
            _window -= length;
            _headers.CopyTo(_sender.Next.AddFrame(FrameType.Headers, FrameBuffer.EndHeaders, stream, _headers.Length));
            var data = _sender.Next.AddFrame(FrameType.Data, FrameBuffer.EndStream, stream, length);
            data[0] = 0;
            BinaryPrimitives.WriteInt32BigEndian(data[1..], message.Length);
            message.Span.CopyTo(data[Call.PrefixBytes..]);
            _sender.Flush();
        }

        // The source of the token outlives the call no longer than its caller does.
        if (cancellationToken.CanBeCanceled)
            _ = cancellationToken.UnsafeRegister(_ => Cancel(stream), null);
        return call.Answer;
    }

    public void Dispose()
    {
        _socket.Dispose();
        Close();
    }

    private void Cancel(int stream)
    {
        lock (_gate)
        {
            if (!_calls.Remove(stream, out var call))
                return;
            call.End(StatusCode.Cancelled);
            _sender.Next.AddFrame(FrameType.ResetStream, stream, number: 8);
            _sender.Flush();
        }
    }

    private void SendPreface()
    {
        lock (_gate)
        {
            _sender.Next.Add("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
            // No dynamic table for header fields, no pushes, and windows that never close: who does not read shall fill the socket.
            Span<(ushort Key, uint Value)> settings = [(1, 0), (2, 0), (4, Window)];
            var payload = _sender.Next.AddFrame(FrameType.Settings, 0, 0, settings.Length * 6);
            foreach (var (key, value) in settings)
            {
                BinaryPrimitives.WriteUInt16BigEndian(payload, key);
                BinaryPrimitives.WriteUInt32BigEndian(payload[2..], value);
                payload = payload[6..];
            }

            _sender.Next.AddFrame(FrameType.WindowUpdate, 0, Window - DefaultWindow);
            _sender.Flush();
        }
    }

    private async Task ReadAsync()
    {
        var (bytes, count) = (new byte[1 << 16], 0); // a frame has 16 kB at most
        try
        {
            while (await _socket.ReceiveAsync(bytes.AsMemory(count)) is > 0 and var received)
            {
                count += received;
                var used = Handle(bytes.AsSpan(0, count));
                bytes.AsSpan(used, count - used).CopyTo(bytes);
                count -= used;
                if (!_reads && _ready.Task.IsCompleted)
                    return;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // As if the server had closed it.
        }

        Close();
    }

    private void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            foreach (var call in _calls.Values)
                call.End(StatusCode.Unavailable);
            _calls.Clear();
        }

        _ready.TrySetResult();
    }

    /// <summary>Handles all whole frames; returns their length.</summary>
    private int Handle(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            var rest = bytes;
            while (Frame.TryTake(ref rest, out var frame))
                Handle(frame);
            _sender.Flush();
            return bytes.Length - rest.Length;
        }
    }

    private void Handle(Frame frame)
    {
        var isAck = (frame.Flags & FrameBuffer.Ack) != 0;
        switch (frame.Type)
        {
            case FrameType.Data:
                HandleData(frame);
                break;
            case FrameType.Headers when (frame.Flags & FrameBuffer.EndStream) != 0:
                End(frame.Stream, HeaderBlock.GrpcStatus(frame.Payload));
                break;
            case FrameType.ResetStream:
                End(frame.Stream, StatusOf(BinaryPrimitives.ReadUInt32BigEndian(frame.Payload)));
                break;
            case FrameType.WindowUpdate when frame.Stream == 0:
                _window += BinaryPrimitives.ReadUInt32BigEndian(frame.Payload);
                break;
            case FrameType.Settings when !isAck:
                HandleSettings(frame.Payload);
                break;
            case FrameType.Ping when !isAck:
                frame.Payload.CopyTo(_sender.Next.AddFrame(FrameType.Ping, FrameBuffer.Ack, 0, frame.Payload.Length));
                break;
        }
    }

    private void HandleData(Frame frame)
    {
        if (_calls.TryGetValue(frame.Stream, out var call))
            call.Receive(frame.Payload);
        _unacknowledged += frame.Payload.Length;
        if (_unacknowledged < Window / 2)
            return;
        _sender.Next.AddFrame(FrameType.WindowUpdate, 0, (uint)_unacknowledged);
        _unacknowledged = 0;
    }

    private void HandleSettings(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length >= 6; payload = payload[6..])
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(payload) == 3)
                _maxStreams = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
        }

        _sender.Next.AddFrame(FrameType.Settings, FrameBuffer.Ack, 0, 0);
        _ready.TrySetResult();
    }

    private void End(int stream, StatusCode status)
    {
        if (_calls.Remove(stream, out var call))
            call.End(status);
    }

    /// <summary>As gRPC over HTTP/2 maps error codes.</summary>
    private static StatusCode StatusOf(uint error) => error switch
    {
        7 => StatusCode.Unavailable, // REFUSED_STREAM
        8 => StatusCode.Cancelled, // CANCEL
        11 => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        _ => StatusCode.Internal,
    };
}
