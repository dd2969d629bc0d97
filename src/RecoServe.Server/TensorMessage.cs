using System.Buffers;
using Google.Protobuf;
using RecoServe.Contracts.Inference;
using Contents = RecoServe.Contracts.Inference.InferTensorContents;
using Input = RecoServe.Contracts.Inference.ModelInferRequest.Types.InferInputTensor;

namespace RecoServe.Server;

/// <summary>
/// What a request of tensors takes once it is read, told by its bytes before they are parsed: raw tensors stay what they are, while
/// the elements of typed ones, of a byte or two, become arrays, and strings become objects.
/// </summary>
internal static class TensorMessage
{
    /// <summary>What a byte takes that stays one: itself, and its copy for the run.</summary>
    private const int Growth = 2;

    /// <summary>How often an element is there: parsed, in an array of up to twice the length, converted, and copied for the run.</summary>
    private const int Copies = 4;

    /// <summary>What a string takes beside its text: objects, places in lists, and its copy for the run.</summary>
    private const int StringBytes = 128;

    /// <summary>The same of a raw one, which is no object.</summary>
    private const int RawStringBytes = 64;

    /// <summary>What an input or output takes beside what it has.</summary>
    private const int TensorBytes = 1024;

    /// <summary>What a byte of anything else takes: names, shapes and parameters.</summary>
    private const int OtherGrowth = 48;

    /// <summary>Bytes of memory, copies for the run included.</summary>
    /// <param name="message">A ModelInferRequest. What is none, and so refused, counts as far as it is one.</param>
    internal static long MemoryOf(ReadOnlySequence<byte> message)
    {
        var (bytes, areStrings) = (0L, new List<bool>());
        for (var fields = new WireFields(message); fields.MoveNext();)
        {
            bytes += fields.Number switch
            {
                ModelInferRequest.InputsFieldNumber => OfInput(fields.Content, areStrings),
                ModelInferRequest.OutputsFieldNumber => TensorBytes + (OtherGrowth * fields.Length),
                ModelInferRequest.RawInputContentsFieldNumber => RawStringBytes + (Growth * fields.Length),
                _ => OtherGrowth * fields.Length,
            };
        }

        var input = 0;
        for (var fields = new WireFields(message); input < areStrings.Count && fields.MoveNext();)
        {
            if (fields.Number == ModelInferRequest.RawInputContentsFieldNumber && areStrings[input++])
                bytes += RawStringBytes * RawStrings(fields.Content);
        }

        return bytes;
    }

    private static long OfInput(ReadOnlySequence<byte> input, List<bool> areStrings)
    {
        var (bytes, isString) = ((long)TensorBytes, false);
        for (var fields = new WireFields(input); fields.MoveNext();)
        {
            bytes += fields.Number == Input.ContentsFieldNumber ? OfContents(fields.Content) : OtherGrowth * fields.Length;
            if (fields.Number == Input.DatatypeFieldNumber)
                isString = fields.Content.Length == 5 && fields.Content.ToArray().AsSpan().SequenceEqual("BYTES"u8);
        }

        areStrings.Add(isString);
        return bytes;
    }

    private static long OfContents(ReadOnlySequence<byte> contents)
    {
        var bytes = 0L;
        for (var fields = new WireFields(contents); fields.MoveNext();)
        {
            bytes += fields.Number switch
            {
                Contents.BoolContentsFieldNumber => Copies * Varints(fields),
                Contents.IntContentsFieldNumber or Contents.UintContentsFieldNumber => Copies * sizeof(int) * Varints(fields),
                Contents.Int64ContentsFieldNumber or Contents.Uint64ContentsFieldNumber => Copies * sizeof(long) * Varints(fields),
                Contents.Fp32ContentsFieldNumber or Contents.Fp64ContentsFieldNumber => Copies * fields.Length,
                Contents.BytesContentsFieldNumber => StringBytes + (Growth * fields.Length),
                _ => OtherGrowth * fields.Length,
            };
        }

        return bytes;
    }

    /// <summary>Elements of a field, packed or a single one: each ends with a byte below 128.</summary>
    private static long Varints(in WireFields fields)
    {
        if (fields.Type != WireFormat.WireType.LengthDelimited)
            return 1;
        var count = 0L;
        foreach (var segment in fields.Content)
        {
            foreach (var next in segment.Span)
                count += 1 - (next >> 7);
        }

        return count;
    }

    /// <summary>How many elements a raw tensor of strings has: each is its length in 4 bytes, then as many bytes.</summary>
    private static long RawStrings(ReadOnlySequence<byte> raw)
    {
        var reader = new SequenceReader<byte>(raw);
        var count = 0L;
        for (; reader.TryReadLittleEndian(out int length) && length >= 0 && length <= reader.Remaining; count++)
            reader.Advance(length);
        return count;
    }
}
