using System.Numerics.Tensors;
using System.Runtime.InteropServices;
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
    /// <summary>Whether an element is not a number. Infinities are: graphs mask with them.</summary>
    internal bool HasNaN => Type switch
    {
        TensorElementType.Float => TensorPrimitives.IsNaNAny(MemoryMarshal.Cast<byte, float>(Data.Span)),
        TensorElementType.Double => TensorPrimitives.IsNaNAny(MemoryMarshal.Cast<byte, double>(Data.Span)),
        TensorElementType.Float16 => TensorPrimitives.IsNaNAny(MemoryMarshal.Cast<byte, Half>(Data.Span)),
        TensorElementType.BFloat16 => HasNaNBFloat16(MemoryMarshal.Cast<byte, ushort>(Data.Span)),
        _ => false,
    };

    /// <summary>Bytes of an element; 0 for strings and for types that are not served.</summary>
    public static int SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Bool or TensorElementType.Int8 or TensorElementType.UInt8 => 1,
        TensorElementType.Int16 or TensorElementType.UInt16 or TensorElementType.Float16 or TensorElementType.BFloat16 => 2,
        TensorElementType.Int32 or TensorElementType.UInt32 or TensorElementType.Float => 4,
        TensorElementType.Int64 or TensorElementType.UInt64 or TensorElementType.Double => 8,
        _ => 0,
    };

    /// <summary>A type's name in the Open Inference Protocol.</summary>
    public static string NameOf(TensorElementType type) => type switch
    {
        TensorElementType.Float16 => "FP16",
        TensorElementType.BFloat16 => "BF16",
        TensorElementType.Float => "FP32",
        TensorElementType.Double => "FP64",
        TensorElementType.String => "BYTES",
        _ => type.ToString().ToUpperInvariant(),
    };

    /// <summary>The upper half of a float32: an exponent of ones and a fraction that is not zero.</summary>
    private static bool HasNaNBFloat16(ReadOnlySpan<ushort> elements)
    {
        foreach (var bits in elements)
        {
            if ((bits & 0x7FFF) > 0x7F80)
                return true;
        }

        return false;
    }
}
