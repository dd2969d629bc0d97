using Microsoft.ML.OnnxRuntime.Tensors;

namespace RecoServe.Engine.Inference;

/// <summary>A tensor by value.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its sizes, rows first.</param>
/// <param name="Data">Elements, little-endian and row-major; empty for strings.</param>
/// <param name="Strings">Elements of a string tensor, row-major; null for other types.</param>
public sealed record TensorData(
    string Name, TensorElementType Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data, IReadOnlyList<ReadOnlyMemory<byte>>? Strings = null)
{
    /// <summary>Bytes of an element; 0 for strings and for types that are not served.</summary>
    public static int SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Bool or TensorElementType.Int8 or TensorElementType.UInt8 => 1,
        TensorElementType.Int16 or TensorElementType.UInt16 or TensorElementType.Float16 or TensorElementType.BFloat16 => 2,
        TensorElementType.Int32 or TensorElementType.UInt32 or TensorElementType.Float => 4,
        TensorElementType.Int64 or TensorElementType.UInt64 or TensorElementType.Double => 8,
        _ => 0,
    };
}
