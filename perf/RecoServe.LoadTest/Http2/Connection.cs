using System.Buffers.Binary;
using System.Net.Sockets;
using Grpc.Core;

namespace RecoServe.LoadTest.Http2;

/// <summary>
/// gRPC calls over one HTTP/2 connection (RFC 9113), at a tenth of the cost of a general client: the generator shares the
/// machine with the server, so what it uses itself is taken from what it measures. Nothing is retried, no status is an
/// exception. A call whose deadline passes is cancelled, as other clients do.
/// </summary>
/// <remarks>
/// Calls beyond the server's limit of streams or the window wait here, and their time runs. The life of a connection: opened,
/// then closing once the server says so or the stream numbers end, then closed, when every call that is left gets UNAVAILABLE.
/// </remarks>
internal sealed class Connection : IDisposable
{
    private const int Window = int.MaxValue / 2;
    private const int DefaultWindow = 65535;
    private const int PrefixBytes = 5;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly Socket _socket;
    private readonly byte[] _headers;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Call> _open = [];
    private readonly Queue<Call> _waiting = new();
    private readonly ITimer _deadlines;
    private FrameBuffer _next = new();
    private FrameBuffer _sending = new();
    private bool _isSending;
    private bool _isClosing;
    private bool _isClosed;
    private int _lastStream = -1;
    private long _window = DefaultWindow;
    private long _maxStreams = 100;
    private long _unacknowledged;
    private long _late;

    private Connection(Socket socket, Uri address, string path, TimeProvider clock)
    {
        (_socket, _clock, _headers) = (socket, clock, HeaderBlock.Request(address.Authority, path));
        _deadlines = clock.CreateTimer(_ => EndExpired(), null, Tick, Tick);
    }

    /// <summary>Whether new calls may be made.</summary>
    internal bool IsOpen
    {
        get
        {
            lock (_gate)
                return !_isClosing;
        }
    }

    /// <summary>Answers with OK that came although their call's deadline had passed.</summary>
    internal long LateAnswers => Interlocked.Read(ref _late);

    /// <summary>Connects.</summary>
    /// <param name="address">The server, without TLS.</param>
    /// <param name="path">The method: <c>/package.Service/Method</c>.</param>
    /// <param name="clock">Measures and waits.</param>
    /// <param name="bytesPerSecond">How fast answers are read at most; null: as they come.</param>
    internal static async Task<Connection> OpenAsync(Uri address, string path, TimeProvider clock, int? bytesPerSecond = null)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (bytesPerSecond is not null)
            socket.ReceiveBufferSize = 4096; // so that the server notices soon that nobody reads
        await socket.ConnectAsync(address.Host, address.Port);
        var connection = new Connection(socket, address, path, clock);
        connection.SendPreface();
        _ = connection.ReadAsync(new FrameReader(socket, bytesPerSecond, clock));
        return connection;
    }

    /// <summary>Makes a call. It is never refused: without room it waits.</summary>
    internal Call Start(byte[] message, TimeSpan timeout)
    {
        var call = new Call(message, _clock.GetTimestamp() + (long)(timeout.TotalSeconds * _clock.TimestampFrequency));
        lock (_gate)
        {
            if (_isClosed)
                call.End(StatusCode.Unavailable);
            else
                _waiting.Enqueue(call);
            SendWaiting();
        }

        return call;
    }

    /// <summary>The caller goes away.</summary>
    internal void Cancel(Call call) => End(call, StatusCode.Cancelled);

    public void Dispose()
    {
        _deadlines.Dispose();
        _socket.Dispose();
    }

    private void SendPreface()
    {
        lock (_gate)
        {
            _next.Add("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
            // No dynamic table for header fields, no pushes, and windows that never close: who reads slowly does so by not reading.
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

    /// <summary>Sends what has room.</summary>
    private void SendWaiting()
    {
        while (!_isClosing && _open.Count < _maxStreams && _waiting.TryPeek(out var call) && call.Message.Length + PrefixBytes <= _window)
        {
            _waiting.Dequeue();
            if (call.Answer.IsCompleted)
                continue;
            call.Stream = _lastStream += 2;
            _isClosing = _lastStream > int.MaxValue - 4;
            _open.Add(call.Stream, call);
            var headers = _next.AddFrame(FrameType.Headers, FrameBuffer.EndHeaders, call.Stream, _headers.Length);
            _headers.CopyTo(headers);
            HeaderBlock.SetTimeout(headers, _clock.GetElapsedTime(_clock.GetTimestamp(), call.Deadline));
            var data = _next.AddFrame(FrameType.Data, FrameBuffer.EndStream, call.Stream, PrefixBytes + call.Message.Length);
            data[0] = 0;
            BinaryPrimitives.WriteInt32BigEndian(data[1..], call.Message.Length);
            call.Message.CopyTo(data[PrefixBytes..]);
            _window -= data.Length;
        }

        Flush();
    }

    /// <summary>Begins to send unless that is under way; whatever is added meanwhile goes together.</summary>
    private void Flush()
    {
        if (_isSending || _isClosed || _next.Count == 0)
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
            return _isSending = _sending.Count > 0;
        }
    }

    private async Task ReadAsync(FrameReader reader)
    {
        try
        {
            await reader.RunAsync(Handle);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // As if the server had closed it.
        }
        finally
        {
            Close();
        }
    }

    private void Close()
    {
        Call[] left;
        lock (_gate)
        {
            (_isClosing, _isClosed) = (true, true);
            left = [.. _open.Values, .. _waiting];
            _open.Clear();
            _waiting.Clear();
        }

        foreach (var call in left)
            call.End(StatusCode.Unavailable);
    }

    private void Handle(FrameType type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            switch (type)
            {
                case FrameType.Data:
                    HandleData(stream, payload);
                    break;
                case FrameType.Headers:
                    HandleHeaders(flags, stream, payload);
                    break;
                case FrameType.ResetStream when _open.Remove(stream, out var reset):
                    reset.End(StatusOf(BinaryPrimitives.ReadUInt32BigEndian(payload)));
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
                case FrameType.GoAway:
                    HandleGoAway(BinaryPrimitives.ReadInt32BigEndian(payload));
                    break;
                case FrameType.Continuation:
                    throw new InvalidDataException("the server sends more header fields than one frame holds");
            }

            SendWaiting();
        }
    }

    private void HandleData(int stream, ReadOnlySpan<byte> payload)
    {
        if (_open.TryGetValue(stream, out var call))
            call.Receive(payload);
        _unacknowledged += payload.Length;
        if (_unacknowledged < Window / 2)
            return;
        _next.AddFrame(FrameType.WindowUpdate, 0, (uint)_unacknowledged);
        _unacknowledged = 0;
    }

    private void HandleHeaders(byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        if ((flags & FrameBuffer.EndStream) == 0)
            return;
        var status = (StatusCode)(HeaderBlock.GrpcStatus(payload) ?? (int)StatusCode.Unknown);
        if (_open.Remove(stream, out var call))
            call.End(status);
        else if (status == StatusCode.OK)
            Interlocked.Increment(ref _late); // it was given up, and yet it was computed and sent
    }

    private void HandleSettings(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length >= 6; payload = payload[6..])
        {
            if (BinaryPrimitives.ReadUInt16BigEndian(payload) == 3)
                _maxStreams = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
        }

        _next.AddFrame(FrameType.Settings, FrameBuffer.Ack, 0, 0);
    }

    private void HandleGoAway(int lastStream)
    {
        _isClosing = true;
        foreach (var call in _open.Values.Where(c => c.Stream > lastStream).Concat(_waiting).ToArray())
        {
            _open.Remove(call.Stream);
            call.End(StatusCode.Unavailable);
        }

        _waiting.Clear();
    }

    private void EndExpired()
    {
        Call[] expired;
        lock (_gate)
        {
            var now = _clock.GetTimestamp();
            expired = [.. _open.Values.Concat(_waiting).Where(c => c.Deadline < now)];
        }

        foreach (var call in expired)
            End(call, StatusCode.DeadlineExceeded);
    }

    private void End(Call call, StatusCode status)
    {
        lock (_gate)
        {
            if (_open.Remove(call.Stream))
                _next.AddFrame(FrameType.ResetStream, call.Stream, 8);
            call.End(status);
            SendWaiting();
        }
    }

    private static StatusCode StatusOf(uint error) => error switch
    {
        7 => StatusCode.Unavailable, // REFUSED_STREAM
        8 => StatusCode.Cancelled, // CANCEL
        11 => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        _ => StatusCode.Internal,
    };
}
