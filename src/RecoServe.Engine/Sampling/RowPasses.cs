using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>How many thresholds a pass compares with: a type, so that the compiler leaves out what is not asked for.</summary>
internal interface IThresholdCount
{
    /// <summary>0 to 4.</summary>
    static abstract int Value { get; }
}

/// <summary>No threshold.</summary>
internal readonly struct NoThreshold : IThresholdCount
{
    /// <inheritdoc/>
    public static int Value => 0;
}

/// <summary>One threshold.</summary>
internal readonly struct OneThreshold : IThresholdCount
{
    /// <inheritdoc/>
    public static int Value => 1;
}

/// <summary>Four thresholds.</summary>
internal readonly struct FourThresholds : IThresholdCount
{
    /// <inheritdoc/>
    public static int Value => 4;
}

/// <summary>Four values, ascending where they are thresholds.</summary>
[InlineArray(4)]
internal struct Four<T>
{
    private T _first;
}

/// <summary>What one pass over a piece of a row found.</summary>
internal struct PassSums
{
    /// <summary>The weight of all.</summary>
    public double Total;

    /// <summary>The weight of the logits at or above each threshold.</summary>
    public Four<double> Above;

    /// <summary>The largest logit.</summary>
    public float Max;
}

/// <summary>
/// The passes over logits that everything else is made of: weights and their sums, and where the logits between two
/// thresholds stand. In vectors of sixteen lanes whatever the machine has: the same bits on every machine.
/// </summary>
internal static class RowPasses
{
    /// <summary>Logits are processed in multiples of this.</summary>
    public const int Step = 64;

    /// <summary>Sums the weights of logits, and of those at or above thresholds.</summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="thresholds">The first <typeparamref name="TCount"/> are read.</param>
    public static PassSums Sum<TCount>(ReadOnlySpan<float> logits, in SingleWeights weights, in Four<float> thresholds)
        where TCount : struct, IThresholdCount
    {
        var (reference, scale, scaleError, least, most) = weights;
        var (t0, t1) = (Vector512.Create(thresholds[0]), Vector512.Create(thresholds[1]));
        var (t2, t3) = (Vector512.Create(thresholds[2]), Vector512.Create(thresholds[3]));
        Vector512<double> total = default, above0 = default, above1 = default, above2 = default, above3 = default;
        var max = Vector512.Create(float.NegativeInfinity);
        ref var start = ref MemoryMarshal.GetReference(logits);
        for (nuint i = 0; i < (nuint)logits.Length; i += Step)
        {
            var a = Vector512.LoadUnsafe(ref start, i);
            var b = Vector512.LoadUnsafe(ref start, i + 16);
            var c = Vector512.LoadUnsafe(ref start, i + 32);
            var d = Vector512.LoadUnsafe(ref start, i + 48);
            var weightA = SingleWeights.Of(a, reference, scale, scaleError, least, most);
            var weightB = SingleWeights.Of(b, reference, scale, scaleError, least, most);
            var weightC = SingleWeights.Of(c, reference, scale, scaleError, least, most);
            var weightD = SingleWeights.Of(d, reference, scale, scaleError, least, most);
            max = Vector512.MaxNative(max, Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)));
            total += Widen((weightA + weightB) + (weightC + weightD));
            if (TCount.Value > 0)
                above0 += Widen(AddAtOrAbove(d, t0, AddAtOrAbove(c, t0, AddAtOrAbove(b, t0, AddAtOrAbove(a, t0, default, weightA), weightB), weightC), weightD));
            if (TCount.Value > 1)
                above1 += Widen(AddAtOrAbove(d, t1, AddAtOrAbove(c, t1, AddAtOrAbove(b, t1, AddAtOrAbove(a, t1, default, weightA), weightB), weightC), weightD));
            if (TCount.Value > 2)
                above2 += Widen(AddAtOrAbove(d, t2, AddAtOrAbove(c, t2, AddAtOrAbove(b, t2, AddAtOrAbove(a, t2, default, weightA), weightB), weightC), weightD));
            if (TCount.Value > 3)
                above3 += Widen(AddAtOrAbove(d, t3, AddAtOrAbove(c, t3, AddAtOrAbove(b, t3, AddAtOrAbove(a, t3, default, weightA), weightB), weightC), weightD));
        }

        var sums = new PassSums { Total = Sum(total), Max = MaxOf(max) };
        if (TCount.Value > 0)
            sums.Above[0] = Sum(above0);
        if (TCount.Value > 1)
            sums.Above[1] = Sum(above1);
        if (TCount.Value > 2)
            sums.Above[2] = Sum(above2);
        if (TCount.Value > 3)
            sums.Above[3] = Sum(above3);
        return sums;
    }

    /// <summary>
    /// Both at once: the weights of logits, those at or above a threshold, and where the logits between two thresholds stand.
    /// </summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <param name="positions">Receives the positions, ascending; longer than the logits by 8.</param>
    /// <param name="found">How many were found.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    public static PassSums SumAndFind(
        ReadOnlySpan<float> logits, in SingleWeights weights, float low, float high, Span<int> positions, out int found, ref int above)
    {
        var (reference, scale, scaleError, least, most) = weights;
        var (lows, highs) = (Vector512.Create(low), Vector512.Create(high));
        Vector512<double> total = default, aboveHigh = default;
        var max = Vector512.Create(float.NegativeInfinity);
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var next = ref MemoryMarshal.GetReference(positions);
        found = 0;
        for (var i = 0; i < logits.Length; i += Step)
        {
            var a = Vector512.LoadUnsafe(ref start, (nuint)i);
            var b = Vector512.LoadUnsafe(ref start, (nuint)i + 16);
            var c = Vector512.LoadUnsafe(ref start, (nuint)i + 32);
            var d = Vector512.LoadUnsafe(ref start, (nuint)i + 48);
            var weightA = SingleWeights.Of(a, reference, scale, scaleError, least, most);
            var weightB = SingleWeights.Of(b, reference, scale, scaleError, least, most);
            var weightC = SingleWeights.Of(c, reference, scale, scaleError, least, most);
            var weightD = SingleWeights.Of(d, reference, scale, scaleError, least, most);
            max = Vector512.MaxNative(max, Vector512.MaxNative(Vector512.MaxNative(a, b), Vector512.MaxNative(c, d)));
            total += Widen((weightA + weightB) + (weightC + weightD));
            aboveHigh += Widen(AddAtOrAbove(d, highs, AddAtOrAbove(c, highs, AddAtOrAbove(b, highs, AddAtOrAbove(a, highs, default, weightA), weightB), weightC), weightD));
            var below = BitsBelow(a, b, c, d, highs);
            above += BitOperations.PopCount(~below);
            found += Flatten(~BitsBelow(a, b, c, d, lows) & below, i, ref Unsafe.Add(ref next, found));
        }

        var sums = new PassSums { Total = Sum(total), Max = MaxOf(max) };
        sums.Above[0] = Sum(aboveHigh);
        return sums;
    }

    /// <summary>Counts the logits at or above a threshold.</summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="threshold">Above −∞.</param>
    public static int Count(ReadOnlySpan<float> logits, float threshold)
    {
        var thresholds = Vector512.Create(threshold);
        var below = 0;
        ref var start = ref MemoryMarshal.GetReference(logits);
        for (nuint i = 0; i < (nuint)logits.Length; i += Step)
        {
            var a = Vector512.LoadUnsafe(ref start, i);
            var b = Vector512.LoadUnsafe(ref start, i + 16);
            var c = Vector512.LoadUnsafe(ref start, i + 32);
            var d = Vector512.LoadUnsafe(ref start, i + 48);
            below += BitOperations.PopCount(BitsBelow(a, b, c, d, thresholds));
        }

        return logits.Length - below;
    }

    /// <summary>Finds where the logits in [low, high) stand.</summary>
    /// <param name="logits">A multiple of <see cref="Step"/>.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <param name="positions">Receives the positions, ascending; longer than the logits by 8.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    /// <returns>How many were found.</returns>
    public static int Find(ReadOnlySpan<float> logits, float low, float high, Span<int> positions, ref int above)
    {
        var (lows, highs) = (Vector512.Create(low), Vector512.Create(high));
        ref var start = ref MemoryMarshal.GetReference(logits);
        ref var next = ref MemoryMarshal.GetReference(positions);
        var count = 0;
        for (var i = 0; i < logits.Length; i += Step)
        {
            var a = Vector512.LoadUnsafe(ref start, (nuint)i);
            var b = Vector512.LoadUnsafe(ref start, (nuint)i + 16);
            var c = Vector512.LoadUnsafe(ref start, (nuint)i + 32);
            var d = Vector512.LoadUnsafe(ref start, (nuint)i + 48);
            var below = BitsBelow(a, b, c, d, highs);
            above += BitOperations.PopCount(~below);
            count += Flatten(~BitsBelow(a, b, c, d, lows) & below, i, ref Unsafe.Add(ref next, count));
        }

        return count;
    }

    /// <summary>The sum of sixteen values in double precision, in a fixed order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector512<float> lanes) => Sum(Widen(lanes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Sum(Vector512<double> lanes)
    {
        var four = lanes.GetLower() + lanes.GetUpper();
        var two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }

    /// <summary>
    /// Sums go on in double precision after four weights: a longer sum in single precision of equal weights would be off by the
    /// same error again and again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Widen(Vector512<float> lanes)
    {
        var (low, high) = Vector512.Widen(lanes);
        return low + high;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> AddAtOrAbove(
        Vector512<float> logits, Vector512<float> threshold, Vector512<float> sum, Vector512<float> weights) =>
        Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logits, threshold), sum + weights, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong BitsBelow(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, Vector512<float> threshold) =>
        Vector512.LessThan(a, threshold).ExtractMostSignificantBits()
        | (Vector512.LessThan(b, threshold).ExtractMostSignificantBits() << 16)
        | (Vector512.LessThan(c, threshold).ExtractMostSignificantBits() << 32)
        | (Vector512.LessThan(d, threshold).ExtractMostSignificantBits() << 48);

    /// <summary>
    /// The positions of a word's bits. Eight are written whether there are so many or not (Lemire 2019, "Really fast bitset
    /// decoding"): a branch for each bit would be mispredicted.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Flatten(ulong word, int first, ref int positions)
    {
        var count = BitOperations.PopCount(word);
        for (var i = 0; i < 4; i++)
            word = WriteLowest(word, first, ref Unsafe.Add(ref positions, i));
        if (count > 4)
        {
            for (var i = 4; i < 8; i++)
                word = WriteLowest(word, first, ref Unsafe.Add(ref positions, i));
            for (var i = 8; i < count; i++)
                word = WriteLowest(word, first, ref Unsafe.Add(ref positions, i));
        }

        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong WriteLowest(ulong word, int first, ref int position)
    {
        position = first + BitOperations.TrailingZeroCount(word);
        return word & (word - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float MaxOf(Vector512<float> lanes)
    {
        var eight = Vector256.MaxNative(lanes.GetLower(), lanes.GetUpper());
        var four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        return Math.Max(Math.Max(four[0], four[1]), Math.Max(four[2], four[3]));
    }
}
