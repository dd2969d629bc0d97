using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Contracts.Inference;

namespace RecoServe.Server.Services;

/// <summary>The names that the Open Inference Protocol has for types of elements.</summary>
internal static class TensorTypes
{
    private static readonly (TensorElementType Type, string Name, DataType Code)[] Names =
    [
        (TensorElementType.Bool, "BOOL", DataType.TypeBool),
        (TensorElementType.UInt8, "UINT8", DataType.TypeUint8),
        (TensorElementType.UInt16, "UINT16", DataType.TypeUint16),
        (TensorElementType.UInt32, "UINT32", DataType.TypeUint32),
        (TensorElementType.UInt64, "UINT64", DataType.TypeUint64),
        (TensorElementType.Int8, "INT8", DataType.TypeInt8),
        (TensorElementType.Int16, "INT16", DataType.TypeInt16),
        (TensorElementType.Int32, "INT32", DataType.TypeInt32),
        (TensorElementType.Int64, "INT64", DataType.TypeInt64),
        (TensorElementType.Float16, "FP16", DataType.TypeFp16),
        (TensorElementType.Float, "FP32", DataType.TypeFp32),
        (TensorElementType.Double, "FP64", DataType.TypeFp64),
        (TensorElementType.BFloat16, "BF16", DataType.TypeBf16),
        (TensorElementType.String, "BYTES", DataType.TypeString),
    ];

    /// <summary>All names.</summary>
    internal static string All { get; } = string.Join(", ", Names.Select(n => n.Name));

    internal static string NameOf(TensorElementType type) => Names.First(n => n.Type == type).Name;

    internal static DataType CodeOf(TensorElementType type) => Names.First(n => n.Type == type).Code;

    /// <summary>The type of a name; null if there is none.</summary>
    internal static TensorElementType? Find(string name)
    {
        foreach (var known in Names)
        {
            if (known.Name == name)
                return known.Type;
        }

        return null;
    }
}
