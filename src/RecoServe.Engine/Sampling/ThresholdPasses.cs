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
        var (lows, highs) = (Vector512.Create(low), Vector512.Create(high));
        var underHighs = Vector512.Create(MathF.BitDecrement(high));
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
            count += Compaction.Store(a, Between(a, lows, highs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(b, Between(b, lows, highs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(c, Between(c, lows, highs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(d, Between(d, lows, highs), ref Unsafe.Add(ref next, count));
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
        var (lows, highs) = (Vector512.Create(low), Vector512.Create(high));
        var underHighs = Vector512.Create(MathF.BitDecrement(high));
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
            _ = Compaction.Store(weight, Between(sixteen, lows, highs), ref Unsafe.Add(ref nextWeight, count));
            count += Compaction.Store(sixteen, Between(sixteen, lows, highs), ref Unsafe.Add(ref next, count));
        }

        above += countAbove;
        return count;
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Between(Vector512<float> logits, Vector512<float> low, Vector512<float> high) =>
        Vector512.GreaterThanOrEqual(logits, low) & Vector512.LessThan(logits, high);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int CountAbove(Vector512<float> logits, Vector512<float> threshold) =>
        BitOperations.PopCount(Vector512.GreaterThan(logits, threshold).ExtractMostSignificantBits());
}
