using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Asks for memory that a pass over a row will come to: the processor itself does not look beyond a page of 4 KB. A hint, and
/// none where there is no such instruction.
/// </summary>
internal static class Prefetch
{
    private const nuint Distance = 2048; // 8 KB: 2 KB and 16 KB were slower

    /// <summary>Asks for 32 logits of a row, from a multiple of 32 on, that may lie beyond its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Piece(ReadOnlySpan<float> row, int first)
    {
        if (!Sse.IsSupported)
            return;
        ref var start = ref Unsafe.Add(ref MemoryMarshal.GetReference(row), first);
        Sse.Prefetch0(Unsafe.AsPointer(ref start));
        Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref start, 16)));
    }

    /// <summary>Asks for the 64 logits that stand so far beyond these; they may lie beyond the row's end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Beyond(ref float start, nuint first)
    {
        if (!Sse.IsSupported)
            return;
        Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref start, first + Distance)));
        Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref start, first + Distance + 16)));
        Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref start, first + Distance + 32)));
        Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref start, first + Distance + 48)));
    }
}
