using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RecoServe.Engine.Sampling;

/// <summary>Stores those lanes of a vector that a mask selects, next to each other. A whole vector is written, whatever is selected.</summary>
internal static class Compaction
{
    /// <summary>Elements that memory must have beyond what is selected.</summary>
    public const int Slack = 16;

    /// <summary>Stores the selected values; returns how many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Store(Vector512<float> values, Vector512<float> selected, ref float to)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.Compress(Vector512<float>.Zero, selected, values).StoreUnsafe(ref to);
            return BitOperations.PopCount(selected.ExtractMostSignificantBits());
        }

        values.StoreUnsafe(ref to);
        return Compact(selected.ExtractMostSignificantBits(), ref to);
    }

    /// <inheritdoc cref="Store(Vector512{float}, Vector512{float}, ref float)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Store(Vector512<int> values, Vector512<float> selected, ref int to)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.Compress(Vector512<int>.Zero, selected.AsInt32(), values).StoreUnsafe(ref to);
            return BitOperations.PopCount(selected.ExtractMostSignificantBits());
        }

        values.StoreUnsafe(ref to);
        return Compact(selected.ExtractMostSignificantBits(), ref to);
    }

    /// <summary>Moves the elements whose bits are set to the front.</summary>
    private static int Compact<T>(ulong bits, ref T values)
    {
        var count = 0;
        for (; bits != 0; bits &= bits - 1)
            Unsafe.Add(ref values, count++) = Unsafe.Add(ref values, BitOperations.TrailingZeroCount(bits));
        return count;
    }
}
