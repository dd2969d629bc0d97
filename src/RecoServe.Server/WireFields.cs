using System.Buffers;
using Google.Protobuf;

namespace RecoServe.Server;

/// <summary>The fields of a protobuf message one by one, not parsed. Ends where no whole field follows.</summary>
internal ref struct WireFields(ReadOnlySequence<byte> message)
{
    private SequenceReader<byte> _reader = new(message);

    /// <summary>The field's number.</summary>
    internal int Number { get; private set; }

    /// <summary>How it is written. The begin and the end of a group are fields of their own.</summary>
    internal WireFormat.WireType Type { get; private set; }

    /// <summary>What follows a length; else empty.</summary>
    internal ReadOnlySequence<byte> Content { get; private set; }

    /// <summary>Bytes of the whole field.</summary>
    internal long Length { get; private set; }

    /// <summary>Reads the next field; false if there is none.</summary>
    internal bool MoveNext()
    {
        var start = _reader.Consumed;
        if (!TryReadVarint(out var tag))
            return false;
        (Number, Type, Content) = ((int)(tag >> 3), (WireFormat.WireType)(tag & 7), default);
        var isWhole = Type switch
        {
            WireFormat.WireType.Varint => TryReadVarint(out _),
            WireFormat.WireType.Fixed64 => TryTake(sizeof(ulong)),
            WireFormat.WireType.Fixed32 => TryTake(sizeof(uint)),
            WireFormat.WireType.LengthDelimited => TryReadVarint(out var length) && TryTake(length),
            _ => true,
        };
        Length = _reader.Consumed - start;
        return isWhole;
    }

    private bool TryTake(uint length)
    {
        if (length > _reader.Remaining)
            return false;
        Content = _reader.UnreadSequence.Slice(0, length);
        _reader.Advance(length);
        return true;
    }

    /// <summary>Of one that is longer, protobuf takes the low 32 bits too.</summary>
    private bool TryReadVarint(out uint value)
    {
        value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (!_reader.TryRead(out var next))
                return false;
            value |= shift < 32 ? (uint)(next & 0x7F) << shift : 0;
            if (next < 0x80)
                return true;
        }

        return false;
    }
}
