using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>The sum of a row: what reading it once costs.</summary>
internal static class PlainRead
{
    private const int Step = 64;

    /// <summary>The sum, in single precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // at its best from the first call on: this is the measure of the others
    internal static float Of(ReadOnlySpan<float> logits)
    {
        ref var start = ref MemoryMarshal.GetReference(logits);
        Vector512<float> a = default, b = default, c = default, d = default;
        var whole = logits.Length / Step * Step;
        for (nuint i = 0; i < (nuint)whole; i += Step)
        {
            Prefetch.Beyond(ref start, i);
            Prefetch.Beyond(ref start, i + 16);
            Prefetch.Beyond(ref start, i + 32);
            Prefetch.Beyond(ref start, i + 48);
            a += Vector512.LoadUnsafe(ref start, i);
            b += Vector512.LoadUnsafe(ref start, i + 16);
            c += Vector512.LoadUnsafe(ref start, i + 32);
            d += Vector512.LoadUnsafe(ref start, i + 48);
        }

        var sum = Vector512.Sum(a + b + (c + d));
        foreach (var logit in logits[whole..])
            sum += logit;
        return sum;
    }
}
