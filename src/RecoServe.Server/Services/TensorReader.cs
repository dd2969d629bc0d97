using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Contracts.Inference;
using RecoServe.Engine;
using RecoServe.Engine.Inference;

namespace RecoServe.Server.Services;

/// <summary>Reads the tensors of a request, typed or raw. What the model wants of them is checked by the engine.</summary>
internal static class TensorReader
{
    /// <exception cref="InvalidRequestException">Names the tensor that is malformed.</exception>
    internal static TensorData[] Read(ModelInferRequest request)
    {
        var isRaw = request.RawInputContents.Count > 0;
        if (isRaw && request.RawInputContents.Count != request.Inputs.Count)
        {
            throw new InvalidRequestException(
                "raw_input_contents", $"has {request.RawInputContents.Count} tensors for {request.Inputs.Count} inputs: if one input is raw, all are, in their order");
        }

        return [.. request.Inputs.Select((input, i) =>
        {
            var field = $"inputs[{input.Name}]";
            if (input.Parameters.ContainsKey("shared_memory_region"))
                throw new InvalidRequestException(field, "asks for shared memory, which this server does not have: send the elements");
            var type = TensorTypes.Find(input.Datatype)
                ?? throw new InvalidRequestException(field, $"has datatype \"{input.Datatype}\"; there is: {TensorTypes.All}");
            if (!isRaw)
                return Typed(field, input, type, input.Contents ?? new InferTensorContents());
            if (input.Contents is not null && input.Contents.CalculateSize() > 0)
                throw new InvalidRequestException(field, "has contents beside raw_input_contents: it must have one of both");
            return Raw(field, input, type, request.RawInputContents[i].Memory);
        })];
    }

    private static TensorData Raw(string field, ModelInferRequest.Types.InferInputTensor input, TensorElementType type, ReadOnlyMemory<byte> raw) =>
        type == TensorElementType.String
            ? new TensorData(input.Name, type, input.Shape, default, Strings(field, raw))
            : new TensorData(input.Name, type, input.Shape, raw);

    /// <summary>Elements that are each preceded by their length.</summary>
    private static List<ReadOnlyMemory<byte>> Strings(string field, ReadOnlyMemory<byte> raw)
    {
        var strings = new List<ReadOnlyMemory<byte>>();
        while (raw.Length > 0)
        {
            var length = raw.Length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(raw.Span) : uint.MaxValue;
            if (length > raw.Length - sizeof(uint))
                throw new InvalidRequestException(field, $"ends within element {strings.Count + 1}: each is its length in 4 bytes, then as many bytes");
            strings.Add(raw.Slice(sizeof(uint), (int)length));
            raw = raw[(sizeof(uint) + (int)length)..];
        }

        return strings;
    }

    private static TensorData Typed(string field, ModelInferRequest.Types.InferInputTensor input, TensorElementType type, InferTensorContents contents)
    {
        if (type == TensorElementType.String)
        {
            RequireAlone(contents.BytesContents.Count, "bytes_contents");
            return new TensorData(input.Name, type, input.Shape, default, [.. contents.BytesContents.Select(b => b.Memory)]);
        }

        return new TensorData(input.Name, type, input.Shape, type switch
        {
            TensorElementType.Bool => Bytes(contents.BoolContents, "bool_contents", b => (byte)(b ? 1 : 0)),
            TensorElementType.Int8 => Bytes(contents.IntContents, "int_contents", i => checked((sbyte)i)),
            TensorElementType.Int16 => Bytes(contents.IntContents, "int_contents", i => checked((short)i)),
            TensorElementType.Int32 => Bytes(contents.IntContents, "int_contents", i => i),
            TensorElementType.Int64 => Bytes(contents.Int64Contents, "int64_contents", i => i),
            TensorElementType.UInt8 => Bytes(contents.UintContents, "uint_contents", i => checked((byte)i)),
            TensorElementType.UInt16 => Bytes(contents.UintContents, "uint_contents", i => checked((ushort)i)),
            TensorElementType.UInt32 => Bytes(contents.UintContents, "uint_contents", i => i),
            TensorElementType.UInt64 => Bytes(contents.Uint64Contents, "uint64_contents", i => i),
            TensorElementType.Float => Bytes(contents.Fp32Contents, "fp32_contents", f => f),
            TensorElementType.Double => Bytes(contents.Fp64Contents, "fp64_contents", f => f),
            _ => throw new InvalidRequestException(field, $"is of {input.Datatype}, which has no typed contents: send it in raw_input_contents"),
        });

        byte[] Bytes<TFrom, TTo>(RepeatedField<TFrom> elements, string where, Func<TFrom, TTo> convert)
            where TTo : unmanaged
        {
            RequireAlone(elements.Count, where);
            try
            {
                var bytes = new byte[elements.Count * Unsafe.SizeOf<TTo>()];
                var converted = MemoryMarshal.Cast<byte, TTo>(bytes.AsSpan());
                for (var i = 0; i < converted.Length; i++)
                    converted[i] = convert(elements[i]);
                return bytes;
            }
            catch (OverflowException)
            {
                throw new InvalidRequestException(field, $"has an element in {where} that {input.Datatype} cannot hold");
            }
        }

        void RequireAlone(int count, string where)
        {
            if (Elements(contents) != count)
                throw new InvalidRequestException(field, $"must have its elements in {where}, as its datatype is {input.Datatype}, and nowhere else");
        }
    }

    private static int Elements(InferTensorContents c) =>
        c.BoolContents.Count + c.IntContents.Count + c.Int64Contents.Count + c.UintContents.Count + c.Uint64Contents.Count
        + c.Fp32Contents.Count + c.Fp64Contents.Count + c.BytesContents.Count;
}
