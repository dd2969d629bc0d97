using System.Buffers.Binary;

namespace RecoServe.LoadGenerator.Http2;

/// <summary>A frame that was received (RFC 9113, section 4.1).</summary>
internal readonly ref struct Frame
{
    /// <summary>Bytes before the payload: 3 of its length, type, flags, 4 of its stream.</summary>
    internal const int HeaderBytes = 9;

    private Frame(ReadOnlySpan<byte> bytes)
    {
        (Type, Flags, Stream) = ((FrameType)bytes[3], bytes[4], BinaryPrimitives.ReadInt32BigEndian(bytes[5..]));
        Payload = bytes[HeaderBytes..];
    }

    internal FrameType Type { get; }

    internal byte Flags { get; }

    internal int Stream { get; }

    internal ReadOnlySpan<byte> Payload { get; }

    /// <summary>Takes the first frame off what was received; false if it is not all there yet.</summary>
    internal static bool TryTake(ref ReadOnlySpan<byte> bytes, out Frame frame)
    {
        frame = default;
        if (bytes.Length < HeaderBytes)
            return false;
        var length = HeaderBytes + (BinaryPrimitives.ReadInt32BigEndian(bytes) >>> 8);
        if (length > bytes.Length)
            return false;
        frame = new Frame(bytes[..length]);
        bytes = bytes[length..];
        return true;
    }
}
