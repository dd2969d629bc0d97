using System.Buffers.Binary;
using System.Net.Sockets;

namespace RecoServe.LoadTest.Http2;

/// <summary>Cuts what comes from a socket into frames.</summary>
/// <param name="socket">The socket.</param>
/// <param name="bytesPerSecond">How fast it is read at most; null: as it comes.</param>
/// <param name="clock">Waits.</param>
internal sealed class FrameReader(Socket socket, int? bytesPerSecond, TimeProvider clock)
{
    private const int ReadsPerSecond = 10;

    private byte[] _bytes = new byte[1 << 16];
    private int _start;
    private int _end;

    /// <summary>Reads until the connection ends, and hands over every frame; the payload is valid during the call.</summary>
    internal async Task RunAsync(FrameHandler handle)
    {
        while (await ReceiveAsync() is > 0 and var received)
        {
            _end += received;
            while (TryTake(handle))
            {
            }

            MakeRoom();
        }
    }

    private async ValueTask<int> ReceiveAsync()
    {
        var free = _bytes.AsMemory(_end);
        if (bytesPerSecond is not { } rate)
            return await socket.ReceiveAsync(free);
        await Task.Delay(TimeSpan.FromSeconds(1.0 / ReadsPerSecond), clock);
        return await socket.ReceiveAsync(free[..Math.Min(free.Length, Math.Max(1, rate / ReadsPerSecond))]);
    }

    private bool TryTake(FrameHandler handle)
    {
        var waiting = _bytes.AsSpan(_start, _end - _start);
        if (waiting.Length < FrameBuffer.HeaderBytes)
            return false;
        var length = BinaryPrimitives.ReadInt32BigEndian(waiting) >>> 8;
        if (waiting.Length < FrameBuffer.HeaderBytes + length)
            return false;
        handle((FrameType)waiting[3], waiting[4], BinaryPrimitives.ReadInt32BigEndian(waiting[5..]) & int.MaxValue, waiting.Slice(FrameBuffer.HeaderBytes, length));
        _start += FrameBuffer.HeaderBytes + length;
        return true;
    }

    private void MakeRoom()
    {
        _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
        (_start, _end) = (0, _end - _start);
        if (_end == _bytes.Length)
            Array.Resize(ref _bytes, 2 * _bytes.Length);
    }
}

/// <summary>Takes one frame.</summary>
internal delegate void FrameHandler(FrameType type, byte flags, int stream, ReadOnlySpan<byte> payload);
