using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>
/// Σ exp(logit − reference) in one pass: the least that a softmax costs, with the instructions that are there for it. Single
/// precision in blocks, double across them.
/// </summary>
internal static class ExpSum
{
    private const int BlockLength = 1024;
    private const int Step = 32;

    /// <summary>The sum; relative error below 2e-7, and up to 1e-7 for every unit by which the heaviest logits differ from the reference.</summary>
    /// <param name="logits">Any number of logits.</param>
    /// <param name="reference">A number within 80 of the largest logit.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // at its best from the first call on: this is the measure of the others
    internal static double Of(ReadOnlySpan<float> logits, float reference)
    {
        ref var start = ref MemoryMarshal.GetReference(logits);
        var total = 0.0;
        var whole = (nuint)logits.Length / Step * Step;
        for (nuint block = 0; block < whole; block += BlockLength)
            total += OfSteps(ref start, block, Math.Min(block + BlockLength, whole), reference);
        Span<float> last = stackalloc float[Step];
        last.Fill(float.NegativeInfinity);
        logits[(int)whole..].CopyTo(last);
        return total + OfSteps(ref last[0], 0, Step, reference);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float OfSteps(ref float start, nuint first, nuint end, float reference)
    {
        var references = Vector512.Create(reference);
        Vector512<float> even = default, odd = default;
        for (var i = first; i < end; i += Step)
        {
            Prefetch.Beyond(ref start, i);
            Prefetch.Beyond(ref start, i + 16);
            even += PowerOfTwo((Vector512.LoadUnsafe(ref start, i) - references) * Vector512.Create(1.442695f));
            odd += PowerOfTwo((Vector512.LoadUnsafe(ref start, i + 16) - references) * Vector512.Create(1.442695f));
        }

        return Vector512.Sum(even + odd);
    }

    /// <summary>2^x: its fraction in [0, 1) by the minimax polynomial of degree 5, error 9e-8, and its floor by the exponent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfTwo(Vector512<float> x)
    {
        if (Avx512DQ.IsSupported)
            return Avx512F.Scale(PowerOfFraction(Avx512DQ.Reduce(x, 0x01)), x);
        x = Vector512.Max(x, Vector512.Create(-126f));
        var whole = Vector512.Floor(x);
        return (PowerOfFraction(x - whole).AsInt32() + (Vector512.ConvertToInt32Native(whole) << 23)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfFraction(Vector512<float> x)
    {
        var power = Vector512.Create(0.0018671302f);
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.00901703f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.055799913f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.24016445f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.6931513f));
        return Vector512.FusedMultiplyAdd(power, x, Vector512.Create(1f));
    }
}
