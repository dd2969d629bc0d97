using System.Buffers.Binary;
using System.Net.Sockets;
using Grpc.Core;

namespace RecoServe.LoadTest.Http2;

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
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();

    // All below: under the gate.
    private readonly Dictionary<int, Call> _calls = [];
    private FrameBuffer _next = new();
    private FrameBuffer _sending = new();
    private bool _isSending;
    private bool _isClosed;
    private int _lastStream = -1;
    private long _window = DefaultWindow;
    private long _maxStreams = DefaultStreams;
    private long _unacknowledged;

    private Connection(Socket socket, byte[] headers) => (_socket, _headers) = (socket, headers);

    /// <summary>Connects.</summary>
    /// <param name="address">The server.</param>
    /// <param name="path">The method: <c>/package.Service/Method</c>.</param>
    /// <param name="timeout">What the server is told of every call's deadline.</param>
    /// <param name="reads">Whether anything that the server sends is read; if not, no call ends before the connection does.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    internal static async Task<Connection> OpenAsync(Uri address, string path, TimeSpan timeout, bool reads = true)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (!reads)
            socket.ReceiveBufferSize = 4096; // the system reads on its own until this is full
        await socket.ConnectAsync(address.Host, address.Port);
        var connection = new Connection(socket, HeaderBlock.Request(address.Authority, path, timeout));
        connection.SendPreface();
        if (reads)
        {
            _ = connection.ReadAsync();
            await connection._ready.Task; // until its settings come, the server takes few calls at a time
        }

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
            _headers.CopyTo(_next.AddFrame(FrameType.Headers, FrameBuffer.EndHeaders, stream, _headers.Length));
            var data = _next.AddFrame(FrameType.Data, FrameBuffer.EndStream, stream, length);
            data[0] = 0;
            BinaryPrimitives.WriteInt32BigEndian(data[1..], message.Length);
            message.Span.CopyTo(data[Call.PrefixBytes..]);
            Flush();
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
            _next.AddFrame(FrameType.ResetStream, stream, number: 8);
            Flush();
        }
    }

    private void SendPreface()
    {
        lock (_gate)
        {
            _next.Add("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
            // No dynamic table for header fields, no pushes, and windows that never close: who does not read shall fill the socket.
            Span<(ushort Key, uint Value)> settings = [(1, 0), (2, 0), (4, Window)];
            var payload = _next.AddFrame(FrameType.Settings, 0, 0, settings.Length * 6);
            foreach (var (key, value) in settings)
            {
                BinaryPrimitives.WriteUInt16BigEndian(payload, key);
                BinaryPrimitives.WriteUInt32BigEndian(payload[2..], value);
                payload = payload[6..];
            }

            _next.AddFrame(FrameType.WindowUpdate, 0, Window - DefaultWindow);
            Flush();
        }
    }

    /// <summary>Begins to send unless that is under way; whatever is added meanwhile goes together.</summary>
    private void Flush()
    {
        if (_isSending || _isClosed || _next.Content.IsEmpty)
            return;
        _isSending = true;
        _ = SendAsync();
    }

    private async Task SendAsync()
    {
        try
        {
            while (TakeNext())
            {
                for (var rest = _sending.Content; rest.Length > 0;)
                    rest = rest[await _socket.SendAsync(rest)..];
                _sending.Clear();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Close();
        }
    }

    private bool TakeNext()
    {
        lock (_gate)
        {
            (_next, _sending) = (_sending, _next);
            return _isSending = !_sending.Content.IsEmpty;
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
            var used = 0;
            for (; FrameLength(bytes[used..]) is { } length; used += length)
            {
                var frame = bytes.Slice(used, length);
                Handle((FrameType)frame[3], frame[4], BinaryPrimitives.ReadInt32BigEndian(frame[5..]), frame[FrameBuffer.HeaderBytes..]);
            }

            Flush();
            return used;
        }
    }

    /// <summary>Length of the first frame; null if it is not all there yet.</summary>
    private static int? FrameLength(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < FrameBuffer.HeaderBytes)
            return null;
        var length = FrameBuffer.HeaderBytes + (BinaryPrimitives.ReadInt32BigEndian(bytes) >>> 8);
        return length <= bytes.Length ? length : null;
    }

    private void Handle(FrameType type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case FrameType.Data:
                HandleData(stream, payload);
                break;
            case FrameType.Headers when (flags & FrameBuffer.EndStream) != 0:
                End(stream, HeaderBlock.GrpcStatus(payload));
                break;
            case FrameType.ResetStream:
                End(stream, StatusOf(BinaryPrimitives.ReadUInt32BigEndian(payload)));
                break;
            case FrameType.WindowUpdate when stream == 0:
                _window += BinaryPrimitives.ReadUInt32BigEndian(payload);
                break;
            case FrameType.Settings when (flags & FrameBuffer.Ack) == 0:
                HandleSettings(payload);
                break;
            case FrameType.Ping when (flags & FrameBuffer.Ack) == 0:
                payload.CopyTo(_next.AddFrame(FrameType.Ping, FrameBuffer.Ack, 0, payload.Length));
                break;
        }
    }

    private void HandleData(int stream, ReadOnlySpan<byte> payload)
    {
        if (_calls.TryGetValue(stream, out var call))
            call.Receive(payload);
        _unacknowledged += payload.Length;
        if (_unacknowledged < Window / 2)
            return;
        _next.AddFrame(FrameType.WindowUpdate, 0, (uint)_unacknowledged);
        _unacknowledged = 0;
    }

    private void HandleSettings(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length >= 6; payload = payload[6..])
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(payload) == 3)
                _maxStreams = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
        }

        _next.AddFrame(FrameType.Settings, FrameBuffer.Ack, 0, 0);
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
