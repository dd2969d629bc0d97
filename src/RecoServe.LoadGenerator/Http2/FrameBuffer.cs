using System.Buffers.Binary;

namespace RecoServe.LoadGenerator.Http2;

/// <summary>Frames that are to be sent, one behind the other.</summary>
internal sealed class FrameBuffer
{
    internal const byte EndStream = 0x1;
    internal const byte Ack = 0x1;
    internal const byte EndHeaders = 0x4;

    private byte[] _bytes = new byte[1 << 16];
    private int _count;

    /// <summary>What is in it.</summary>
    internal ReadOnlyMemory<byte> Content => _bytes.AsMemory(0, _count);

    /// <summary>Empties it.</summary>
    internal void Clear() => _count = 0;

    /// <summary>Adds bytes that are no frame.</summary>
    internal void Add(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Adds a frame.</summary>
    /// <returns>Where its payload goes; valid until the next frame is added.</returns>
    internal Span<byte> AddFrame(FrameType type, byte flags, int stream, int length)
    {
        var frame = Take(Frame.HeaderBytes + length);
        BinaryPrimitives.WriteInt32BigEndian(frame, (length << 8) | (byte)type);
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame[5..], stream);
        return frame[Frame.HeaderBytes..];
    }

    /// <summary>Adds a frame whose payload is one number.</summary>
    internal void AddFrame(FrameType type, int stream, uint number) => BinaryPrimitives.WriteUInt32BigEndian(AddFrame(type, 0, stream, sizeof(uint)), number);

    private Span<byte> Take(int length)
    {
        if (_count + length > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(_count + length, 2 * _bytes.Length));
        _count += length;
        return _bytes.AsSpan(_count - length, length);
    }
}
