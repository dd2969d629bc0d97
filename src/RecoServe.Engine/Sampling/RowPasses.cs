using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// The passes over logits that give them weights, and sum those.
/// In vectors of sixteen lanes whatever the machine has: the same bits on every machine.
/// </summary>
internal static class RowPasses
{
    /// <summary>Logits are processed in multiples of this.</summary>
    public const int Step = 64;

    /// <summary>Gives logits their weights, and sums them.</summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="to">As long. May not be the logits.</param>
    public static double Weigh(ReadOnlySpan<float> logits, in SingleWeights weights, Span<float> to)
    {
        var (scale, scaleError, shift, least) = weights;
        var total = default(LaneSum);
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var first = ref MemoryMarshal.GetReference(to[..logits.Length]);
        for (nuint i = 0; i < (nuint)logits.Length; i += Step)
        {
            var a = Vector512.LoadUnsafe(ref start, i);
            var b = Vector512.LoadUnsafe(ref start, i + 16);
            var c = Vector512.LoadUnsafe(ref start, i + 32);
            var d = Vector512.LoadUnsafe(ref start, i + 48);
            SingleWeights.OfStep(ref a, ref b, ref c, ref d, scale, scaleError, shift, least);
            total.Add((a + b) + (c + d), i);
            a.StoreUnsafe(ref first, i);
            b.StoreUnsafe(ref first, i + 16);
            c.StoreUnsafe(ref first, i + 32);
            d.StoreUnsafe(ref first, i + 48);
        }

        return total.Value;
    }

    /// <summary>Sums the weights of those logits that are at or above each of four thresholds.</summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="weights">A weight for each.</param>
    /// <param name="thresholds">In any order.</param>
    public static Four<double> SumAtOrAbove(ReadOnlySpan<float> logits, ReadOnlySpan<float> weights, in Four<float> thresholds)
    {
        var (t0, t1) = (Vector512.Create(thresholds[0]), Vector512.Create(thresholds[1]));
        var (t2, t3) = (Vector512.Create(thresholds[2]), Vector512.Create(thresholds[3]));
        var zeros = Vector512.Create((float)(logits.Length % Step)); // no constant: of that the compiler makes selections that wait for one another
        LaneSum above0 = default, above1 = default, above2 = default, above3 = default;
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var first = ref MemoryMarshal.GetReference(weights[..logits.Length]);
        for (nuint i = 0; i < (nuint)logits.Length; i += Step)
        {
            var (a, b) = (Vector512.LoadUnsafe(ref start, i), Vector512.LoadUnsafe(ref start, i + 16));
            var (c, d) = (Vector512.LoadUnsafe(ref start, i + 32), Vector512.LoadUnsafe(ref start, i + 48));
            var (weightA, weightB) = (Vector512.LoadUnsafe(ref first, i), Vector512.LoadUnsafe(ref first, i + 16));
            var (weightC, weightD) = (Vector512.LoadUnsafe(ref first, i + 32), Vector512.LoadUnsafe(ref first, i + 48));
            above0.Add(AtOrAbove(a, weightA, b, weightB, t0, zeros) + AtOrAbove(c, weightC, d, weightD, t0, zeros), i);
            above1.Add(AtOrAbove(a, weightA, b, weightB, t1, zeros) + AtOrAbove(c, weightC, d, weightD, t1, zeros), i);
            above2.Add(AtOrAbove(a, weightA, b, weightB, t2, zeros) + AtOrAbove(c, weightC, d, weightD, t2, zeros), i);
            above3.Add(AtOrAbove(a, weightA, b, weightB, t3, zeros) + AtOrAbove(c, weightC, d, weightD, t3, zeros), i);
        }

        var sums = default(Four<double>);
        (sums[0], sums[1], sums[2], sums[3]) = (above0.Value, above1.Value, above2.Value, above3.Value);
        return sums;
    }

    /// <summary>
    /// Tells where the logits stand that are at or above a threshold, which should be few, and sums the weights: of those few that
    /// of the threshold, so that no heavy one rounds the others off.
    /// </summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="threshold">Above −∞.</param>
    /// <param name="steps">Receives the first item of each step that has one; an element for every step.</param>
    /// <param name="found">How many have one.</param>
    public static PassSums SumAndFind(
        ReadOnlySpan<float> logits, int firstItem, in SingleWeights weights, float threshold, Span<int> steps, out int found)
    {
        var (scale, scaleError, shift, least) = weights;
        var thresholds = Vector512.Create(threshold);
        var total = default(LaneSum);
        var max = Vector512.Create(float.NegativeInfinity);
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var next = ref MemoryMarshal.GetReference(steps);
        nint count = 0;
        for (nuint i = 0; i < (nuint)logits.Length; i += Step)
        {
            Prefetch.Beyond(ref start, i);
            var a = Vector512.LoadUnsafe(ref start, i);
            var b = Vector512.LoadUnsafe(ref start, i + 16);
            var c = Vector512.LoadUnsafe(ref start, i + 32);
            var d = Vector512.LoadUnsafe(ref start, i + 48);
            var (weightA, weightB) = (Vector512.MinNative(thresholds, a), Vector512.MinNative(thresholds, b)); // NaN stays
            var (weightC, weightD) = (Vector512.MinNative(thresholds, c), Vector512.MinNative(thresholds, d));
            SingleWeights.OfStep(ref weightA, ref weightB, ref weightC, ref weightD, scale, scaleError, shift, least);
            total.Add((weightA + weightB) + (weightC + weightD), i);
            var stepMax = Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d));
            max = Vector512.MaxNative(max, stepMax);
            ThresholdPasses.KeepIfAny(ref next, ref count, firstItem + (int)i, stepMax, thresholds);
        }

        found = (int)count;
        return new PassSums(Above: 0, total.Value, MaxOf(max));
    }

    /// <summary>Sums the weights of the logits on either side of a threshold.</summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="threshold">Above −∞.</param>
    public static PassSums SumSides(ReadOnlySpan<float> logits, in SingleWeights weights, float threshold)
    {
        var (scale, scaleError, shift, least) = weights;
        var thresholds = Vector512.Create(threshold);
        LaneSum above = default, below = default;
        var max = Vector512.Create(float.NegativeInfinity);
        ref var start = ref MemoryMarshal.GetReference(logits);
        for (nuint i = 0; i < (nuint)logits.Length; i += Step)
        {
            Prefetch.Beyond(ref start, i);
            var a = Vector512.LoadUnsafe(ref start, i);
            var b = Vector512.LoadUnsafe(ref start, i + 16);
            var c = Vector512.LoadUnsafe(ref start, i + 32);
            var d = Vector512.LoadUnsafe(ref start, i + 48);
            var (weightA, weightB, weightC, weightD) = (a, b, c, d);
            SingleWeights.OfStep(ref weightA, ref weightB, ref weightC, ref weightD, scale, scaleError, shift, least);
            max = Vector512.MaxNative(max, Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)));
            above.Add(AtOrAbove(a, weightA, b, weightB, thresholds) + AtOrAbove(c, weightC, d, weightD, thresholds), i);
            below.Add(Below(a, weightA, b, weightB, thresholds) + Below(c, weightC, d, weightD, thresholds), i);
        }

        return new PassSums(above.Value, below.Value, MaxOf(max));
    }

    /// <summary>
    /// Several at once: sums the weights of the logits on either side of a threshold, counts those at or above it, and lists
    /// the logits from another up to it.
    /// </summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Not below <paramref name="low"/>.</param>
    /// <param name="list">Receives the logits in [low, high); longer than the logits by <see cref="Compaction.Slack"/>.</param>
    /// <param name="listed">How many were found.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    public static PassSums SumAndList(
        ReadOnlySpan<float> logits, in SingleWeights weights, float low, float high, Span<float> list, out int listed, ref int above)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            // In one loop there would be more variables than the compiler keeps in registers: three times slower.
            listed = ThresholdPasses.List(logits, low, high, list, ref above);
            return SumSides(logits, weights, high);
        }

        var (scale, scaleError, shift, least) = weights;
        var (highs, (lows, underHighs)) = (Vector512.Create(high), ThresholdPasses.Bounds(low, high));
        LaneSum sumAbove = default, sumBelow = default;
        var max = Vector512.Create(float.NegativeInfinity);
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var next = ref MemoryMarshal.GetReference(list);
        nint count = 0;
        var countAbove = 0;
        for (nuint i = 0; i < (nuint)logits.Length; i += Step)
        {
            Prefetch.Beyond(ref start, i);
            var a = Vector512.LoadUnsafe(ref start, i);
            var b = Vector512.LoadUnsafe(ref start, i + 16);
            var c = Vector512.LoadUnsafe(ref start, i + 32);
            var d = Vector512.LoadUnsafe(ref start, i + 48);
            var (weightA, weightB, weightC, weightD) = (a, b, c, d);
            SingleWeights.OfStep(ref weightA, ref weightB, ref weightC, ref weightD, scale, scaleError, shift, least);
            max = Vector512.MaxNative(max, Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)));
            sumAbove.Add(AtOrAbove(a, weightA, b, weightB, highs) + AtOrAbove(c, weightC, d, weightD, highs), i);
            sumBelow.Add(Below(a, weightA, b, weightB, highs) + Below(c, weightC, d, weightD, highs), i);
            // Compared anew: a mask that is used twice would be moved into a vector and back.
            countAbove += ThresholdPasses.CountAbove(a, underHighs) + ThresholdPasses.CountAbove(b, underHighs)
                + ThresholdPasses.CountAbove(c, underHighs) + ThresholdPasses.CountAbove(d, underHighs);
            count += Compaction.Store(a, ThresholdPasses.Between(a, lows, underHighs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(b, ThresholdPasses.Between(b, lows, underHighs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(c, ThresholdPasses.Between(c, lows, underHighs), ref Unsafe.Add(ref next, count));
            count += Compaction.Store(d, ThresholdPasses.Between(d, lows, underHighs), ref Unsafe.Add(ref next, count));
        }

        listed = (int)count;
        above += countAbove;
        return new PassSums(sumAbove.Value, sumBelow.Value, MaxOf(max));
    }

    /// <summary>The sum of sixteen values in double precision, in a fixed order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector512<float> lanes) => LaneSum.Fold(LaneSum.Widen(lanes));

    /// <summary>The largest of sixteen values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxOf(Vector512<float> lanes)
    {
        var eight = Vector256.MaxNative(lanes.GetLower(), lanes.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        var two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(two, Vector128.Shuffle(two, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AtOrAbove(
        Vector512<float> a, Vector512<float> weightA, Vector512<float> b, Vector512<float> weightB, Vector512<float> threshold, Vector512<float> zeros = default)
    {
        var sum = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(a, threshold), weightA, zeros);
        return Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(b, threshold), sum + weightB, sum);
    }

    /// <summary>The rest, in which NaN is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Below(
        Vector512<float> a, Vector512<float> weightA, Vector512<float> b, Vector512<float> weightB, Vector512<float> threshold)
    {
        var sum = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(a, threshold), Vector512<float>.Zero, weightA);
        return Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(b, threshold), sum, sum + weightB);
    }
}
