using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>
/// Asks for memory that a pass will come to, since the processor itself does not look beyond a page of 4 KB. Without it
/// <see cref="ExpSum"/> takes up to three times as long on rows that are not in the nearest caches, in one process and not in the next.
/// </summary>
internal static class Prefetch
{
    /// <summary>8 KB: measured, 2 KB and 16 KB are slower.</summary>
    private const int Distance = 2048;

    /// <summary>Asks for the cache line so far beyond an element; it may lie beyond the row's end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe void Beyond(ref float start, nuint element)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.Add(ref start, element + Distance)));
    }
}
