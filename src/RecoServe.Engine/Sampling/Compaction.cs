using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Stores those lanes of a vector that a mask selects, next to each other. A whole vector is written, whatever is selected, so that
/// no branch depends on it.
/// </summary>
internal static class Compaction
{
    /// <summary>Elements that memory must have beyond what is selected.</summary>
    public const int Slack = 16;

    /// <summary>Of every choice of eight lanes, a byte for each place: the lane that moves there.</summary>
    private static readonly ulong[] Lanes = [.. Enumerable.Range(0, 256).Select(LanesOf)];

    /// <summary>Stores the selected values; returns how many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Store(Vector512<float> values, Vector512<float> selected, ref float to)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.Compress(Vector512<float>.Zero, selected, values).StoreUnsafe(ref to);
            return BitOperations.PopCount(selected.ExtractMostSignificantBits());
        }

        return Store(values.AsInt32(), selected, ref Unsafe.As<float, int>(ref to));
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

        if (Avx2.IsSupported)
        {
            var count = StoreEight(values.GetLower(), selected.GetLower().ExtractMostSignificantBits(), ref to);
            return count + StoreEight(values.GetUpper(), selected.GetUpper().ExtractMostSignificantBits(), ref Unsafe.Add(ref to, count));
        }

        values.StoreUnsafe(ref to);
        return Compact(selected.ExtractMostSignificantBits(), ref to);
    }

    private static int StoreEight(Vector256<int> values, uint selected, ref int to)
    {
        var lanes = Vector128.CreateScalarUnsafe(Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Lanes), selected)).AsByte();
        Avx2.PermuteVar8x32(values, Avx2.ConvertToVector256Int32(lanes)).StoreUnsafe(ref to);
        return BitOperations.PopCount(selected);
    }

    /// <summary>Moves the elements whose bits are set to the front.</summary>
    private static int Compact(ulong bits, ref int values)
    {
        var count = 0;
        for (; bits != 0; bits &= bits - 1)
            Unsafe.Add(ref values, count++) = Unsafe.Add(ref values, BitOperations.TrailingZeroCount(bits));
        return count;
    }

    private static ulong LanesOf(int selected)
    {
        var (lanes, place) = (0UL, 0);
        for (var lane = 0; lane < 8; lane++)
        {
            if (((selected >> lane) & 1) != 0)
                lanes |= (ulong)lane << (8 * place++);
        }

        return lanes;
    }
}
