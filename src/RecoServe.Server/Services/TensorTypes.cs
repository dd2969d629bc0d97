using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Contracts.Inference;
using RecoServe.Engine.Inference;

namespace RecoServe.Server.Services;

/// <summary>The types of elements that the Open Inference Protocol has, by its codes and by <see cref="TensorData.NameOf"/>.</summary>
internal static class TensorTypes
{
    private static readonly (TensorElementType Type, DataType Code)[] Types =
    [
        (TensorElementType.Bool, DataType.TypeBool),
        (TensorElementType.UInt8, DataType.TypeUint8),
        (TensorElementType.UInt16, DataType.TypeUint16),
        (TensorElementType.UInt32, DataType.TypeUint32),
        (TensorElementType.UInt64, DataType.TypeUint64),
        (TensorElementType.Int8, DataType.TypeInt8),
        (TensorElementType.Int16, DataType.TypeInt16),
        (TensorElementType.Int32, DataType.TypeInt32),
        (TensorElementType.Int64, DataType.TypeInt64),
        (TensorElementType.Float16, DataType.TypeFp16),
        (TensorElementType.Float, DataType.TypeFp32),
        (TensorElementType.Double, DataType.TypeFp64),
        (TensorElementType.BFloat16, DataType.TypeBf16),
        (TensorElementType.String, DataType.TypeString),
    ];

    /// <summary>All names.</summary>
    internal static string All { get; } = string.Join(", ", Types.Select(t => TensorData.NameOf(t.Type)));

    internal static DataType CodeOf(TensorElementType type) => Types.First(t => t.Type == type).Code;

    /// <summary>The type of a name; null if there is none.</summary>
    internal static TensorElementType? Find(string name)
    {
        foreach (var (type, _) in Types)
        {
            if (TensorData.NameOf(type) == name)
                return type;
        }

        return null;
    }
}
