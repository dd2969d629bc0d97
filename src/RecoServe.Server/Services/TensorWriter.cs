using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Contracts.Inference;
using RecoServe.Engine;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;

namespace RecoServe.Server.Services;

/// <summary>Writes computed tensors: raw if the request was, or if a type has no other form.</summary>
internal static class TensorWriter
{
    internal static ModelInferResponse Write(ModelInferRequest request, InferResult result, bool withTimings)
    {
        var response = new ModelInferResponse
        {
            ModelName = result.ComputedBy.Model,
            ModelVersion = result.ComputedBy.Version.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Id = request.Id,
        };
        var isRaw = request.RawInputContents.Count > 0 || result.Outputs.Any(t => t.Type is TensorElementType.Float16 or TensorElementType.BFloat16);
        foreach (var tensor in result.Outputs)
        {
            var output = new ModelInferResponse.Types.InferOutputTensor { Name = tensor.Name, Datatype = TensorData.NameOf(tensor.Type), Shape = { tensor.Shape } };
            if (isRaw)
                response.RawOutputContents.Add(Raw(tensor));
            else
                output.Contents = Typed(tensor);
            response.Outputs.Add(output);
        }

        if (withTimings)
            Write(response, result.Timings);
        return response;
    }

    private static void Write(ModelInferResponse response, in RowTimings timings)
    {
        response.Parameters.Add("queue_us", new InferParameter { Int64Param = (long)timings.Queue.TotalMicroseconds });
        response.Parameters.Add("batch_us", new InferParameter { Int64Param = (long)timings.Batch.TotalMicroseconds });
        response.Parameters.Add("batch_size", new InferParameter { Int64Param = timings.BatchSize });
    }

    private static ByteString Raw(TensorData tensor)
    {
        if (tensor.Strings is not { } strings)
            return UnsafeByteOperations.UnsafeWrap(tensor.Data);
        var raw = new byte[strings.Sum(s => sizeof(uint) + s.Length)];
        var rest = raw.AsSpan();
        foreach (var text in strings)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest, (uint)text.Length);
            text.Span.CopyTo(rest[sizeof(uint)..]);
            rest = rest[(sizeof(uint) + text.Length)..];
        }

        return UnsafeByteOperations.UnsafeWrap(raw);
    }

    private static InferTensorContents Typed(TensorData tensor)
    {
        var contents = new InferTensorContents();
        switch (tensor.Type)
        {
            case TensorElementType.Bool: Add<byte, bool>(contents.BoolContents, b => b != 0); break;
            case TensorElementType.Int8: Add<sbyte, int>(contents.IntContents, i => i); break;
            case TensorElementType.Int16: Add<short, int>(contents.IntContents, i => i); break;
            case TensorElementType.Int32: Add<int, int>(contents.IntContents, i => i); break;
            case TensorElementType.Int64: Add<long, long>(contents.Int64Contents, i => i); break;
            case TensorElementType.UInt8: Add<byte, uint>(contents.UintContents, i => i); break;
            case TensorElementType.UInt16: Add<ushort, uint>(contents.UintContents, i => i); break;
            case TensorElementType.UInt32: Add<uint, uint>(contents.UintContents, i => i); break;
            case TensorElementType.UInt64: Add<ulong, ulong>(contents.Uint64Contents, i => i); break;
            case TensorElementType.Float: Add<float, float>(contents.Fp32Contents, f => f); break;
            case TensorElementType.Double: Add<double, double>(contents.Fp64Contents, f => f); break;
            default: contents.BytesContents.AddRange(tensor.Strings!.Select(UnsafeByteOperations.UnsafeWrap)); break;
        }

        return contents;

        void Add<TFrom, TTo>(RepeatedField<TTo> to, Func<TFrom, TTo> convert)
            where TFrom : unmanaged
        {
            var elements = MemoryMarshal.Cast<byte, TFrom>(tensor.Data.Span);
            to.Capacity = elements.Length;
            foreach (var element in elements)
                to.Add(convert(element));
        }
    }
}
