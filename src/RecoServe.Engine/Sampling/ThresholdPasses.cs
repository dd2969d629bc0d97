using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>The passes that only compare logits with thresholds: which are between two, how many, and where.</summary>
internal static class ThresholdPasses
{
    /// <summary>Lists the logits in [low, high), and counts those above.</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Not below <paramref name="low"/>.</param>
    /// <param name="list">Receives them; longer than they are by <see cref="Compaction.Slack"/>.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    /// <returns>How many were found.</returns>
    public static int List(ReadOnlySpan<float> logits, float low, float high, Span<float> list, ref int above)
    {
        var (lows, underHighs) = Bounds(low, high);
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var next = ref MemoryMarshal.GetReference(list);
        nint count = 0;
        var countAbove = 0;
        for (nuint i = 0; i < (nuint)logits.Length; i += RowPasses.Step)
        {
            Prefetch.Beyond(ref start, i);
            var a = Vector512.LoadUnsafe(ref start, i);
            var b = Vector512.LoadUnsafe(ref start, i + 16);
            var c = Vector512.LoadUnsafe(ref start, i + 32);
            var d = Vector512.LoadUnsafe(ref start, i + 48);
            countAbove += CountAbove(a, underHighs) + CountAbove(b, underHighs) + CountAbove(c, underHighs) + CountAbove(d, underHighs);
            count += Compaction.Store(a, Between(a, lows, underHighs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(b, Between(b, lows, underHighs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(c, Between(c, lows, underHighs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(d, Between(d, lows, underHighs), ref Unsafe.Add(ref next, count));
        }

        above += countAbove;
        return (int)count;
    }

    /// <summary>
    /// The same, with weights, and counts the logits at or above the upper threshold. The memory may be that of the logits and
    /// weights, which are then overwritten.
    /// </summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="weights">A weight for each.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <param name="list">Receives the logits; longer than they are by <see cref="Compaction.Slack"/>.</param>
    /// <param name="listWeights">Receives the weights.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    public static int List(
        ReadOnlySpan<float> logits, ReadOnlySpan<float> weights, float low, float high, Span<float> list, Span<float> listWeights, ref int above)
    {
        var (lows, underHighs) = Bounds(low, high);
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var first = ref MemoryMarshal.GetReference(weights);
        ref var next = ref MemoryMarshal.GetReference(list);
        ref var nextWeight = ref MemoryMarshal.GetReference(listWeights);
        var (count, countAbove) = (0, 0);
        for (nuint i = 0; i < (nuint)logits.Length; i += (nuint)Vector512<float>.Count)
        {
            var sixteen = Vector512.LoadUnsafe(ref start, i);
            var weight = Vector512.LoadUnsafe(ref first, i);
            countAbove += CountAbove(sixteen, underHighs);
            _ = Compaction.Store(weight, Between(sixteen, lows, underHighs), ref Unsafe.Add(ref nextWeight, count));
            count += Compaction.Store(sixteen, Between(sixteen, lows, underHighs), ref Unsafe.Add(ref next, count));
        }

        above += countAbove;
        return count;
    }

    /// <summary>Tells where the logits stand that are at or above a threshold, which should be few.</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <param name="threshold">Above −∞.</param>
    /// <param name="steps">Receives the first item of each step that has one; an element for every step.</param>
    /// <returns>How many have one.</returns>
    public static int Find(ReadOnlySpan<float> logits, int firstItem, float threshold, Span<int> steps)
    {
        var thresholds = Vector512.Create(threshold);
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var next = ref MemoryMarshal.GetReference(steps);
        nint count = 0;
        for (nuint i = 0; i < (nuint)logits.Length; i += RowPasses.Step)
        {
            Prefetch.Beyond(ref start, i);
            var (a, b) = (Vector512.LoadUnsafe(ref start, i), Vector512.LoadUnsafe(ref start, i + 16));
            var (c, d) = (Vector512.LoadUnsafe(ref start, i + 32), Vector512.LoadUnsafe(ref start, i + 48));
            KeepIfAny(ref next, ref count, firstItem + (int)i, Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)), thresholds);
        }

        return (int)count;
    }

    /// <summary>Keeps the index if one of sixteen logits is at or above a threshold: without a branch, which would often be foretold wrongly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void KeepIfAny(ref int indexes, ref nint count, int index, Vector512<float> logits, Vector512<float> threshold)
    {
        Unsafe.Add(ref indexes, count) = index;
        count += Vector512.GreaterThanOrEqualAny(logits, threshold) ? 1 : 0;
    }

    /// <summary>Of the logits of one step a bit for each, set if it is at or above a threshold.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong BitsAtOrAbove(ref float step, Vector512<float> threshold) =>
        Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref step), threshold).ExtractMostSignificantBits()
        | (Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref step, 16), threshold).ExtractMostSignificantBits() << 16)
        | (Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref step, 32), threshold).ExtractMostSignificantBits() << 32)
        | (Vector512.GreaterThanOrEqual(Vector512.LoadUnsafe(ref step, 48), threshold).ExtractMostSignificantBits() << 48);

    /// <summary>Counts the logits at or above a threshold.</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="threshold">Above −∞.</param>
    public static int Count(ReadOnlySpan<float> logits, float threshold)
    {
        var underThresholds = Vector512.Create(MathF.BitDecrement(threshold));
        var count = 0;
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(logits))
            count += CountAbove(sixteen, underThresholds);
        return count;
    }

    /// <summary>Where, of the logits that equal one, that of a number stands.</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="logit">The logit.</param>
    /// <param name="number">From 1; there are as many.</param>
    public static int PositionOf(ReadOnlySpan<float> logits, float logit, int number)
    {
        var ties = Vector512.Create(logit);
        var sixteens = MemoryMarshal.Cast<float, Vector512<float>>(logits);
        for (var i = 0; i < sixteens.Length; i++)
        {
            var bits = Vector512.Equals(sixteens[i], ties).ExtractMostSignificantBits();
            var count = BitOperations.PopCount(bits);
            if (number > count)
            {
                number -= count;
                continue;
            }

            while (--number > 0)
                bits &= bits - 1;
            return (i * Vector512<float>.Count) + BitOperations.TrailingZeroCount(bits);
        }

        throw new UnreachableException("there are fewer such logits");
    }

    /// <summary>The least and the largest number in [low, high); NaN for the least if there is none.</summary>
    internal static (Vector512<float> Lows, Vector512<float> UnderHighs) Bounds(float low, float high) =>
        (Vector512.Create(low < high ? low : float.NaN), Vector512.Create(MathF.BitDecrement(high)));

    /// <summary>Which logits are within bounds: one comparison, for those are done where products and sums are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Between(Vector512<float> logits, Vector512<float> lows, Vector512<float> underHighs) =>
        Vector512.Equals(logits, Vector512.MinNative(underHighs, Vector512.MaxNative(logits, lows))); // each gives its second operand if one is NaN

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int CountAbove(Vector512<float> logits, Vector512<float> threshold) =>
        BitOperations.PopCount(Vector512.GreaterThan(logits, threshold).ExtractMostSignificantBits());
}
