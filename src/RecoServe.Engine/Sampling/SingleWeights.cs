using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Softmax weights exp((logit − <see cref="Reference"/>) / temperature) in single precision, sixteen at a time, for passes over
/// whole rows. Each has a relative error below 1.2e-7; in a sum over many items the errors cancel. The bits are the same with
/// AVX-512, with other vectors and without.
/// </summary>
/// <remarks>
/// A weight is 2^(t − K), t = logit · log2(e) / temperature, with an integer K. What is left of t after rounding to a sixteenth is exact
/// however large K is, and goes through a polynomial of degree 3 (Remez 1934; error 2e-9); the sixteenths choose one of sixteen roots
/// of two with what rounding took from it, the integer goes into its exponent (Tang 1989). Weights below 2^−125 become about 2^−125. A
/// logit that is NaN or +∞ gives NaN; one whose weight would be 2^127 or more gives nonsense: whoever sums must compare the largest
/// with <see cref="Covers"/>.
/// </remarks>
internal readonly struct SingleWeights
{
    private const float LeastPower = -125;
    private const double MostPower = 100;
    private const double LargestReference = 1 << 16;
    private const int ToExponent = 19; // the sixteenths are four bits of 23

    // Added to a number below 2¹⁸, its last digit has the value 1/16: rounds to sixteenths, which the low bits then count.
    private const double Rounder = 786432; // 1.5 · 2¹⁹

    // 2^x − 1 for x in [−1/32, 1/32].
    private const float Linear = 0.6931472f;
    private const float Square = 0.24023429f;
    private const float Cubic = 0.05550595f;

    private readonly double _exactScale;
    private readonly double _power;
    private readonly float _scale;
    private readonly float _scaleError;
    private readonly float _shift;
    private readonly float _least;

    private SingleWeights(double scale, double power)
    {
        (_exactScale, _power) = (scale, power);
        _scale = (float)scale;
        _scaleError = (float)(scale - _scale);
        _shift = (float)(Rounder - power);
        _least = (float)((power + LeastPower) / scale);
    }

    /// <summary>The bits of 2^(j/16), less those that j adds to an exponent.</summary>
    private static ReadOnlySpan<int> Roots =>
    [
        0x3F800000, 0x3F7DAAC3, 0x3F7B95C2, 0x3F79C3D3,
        0x3F7837F0, 0x3F76F532, 0x3F75FED7, 0x3F75583F,
        0x3F7504F3, 0x3F7508A4, 0x3F75672A, 0x3F76248C,
        0x3F7744FD, 0x3F78CCDF, 0x3F7AC0C7, 0x3F7D257D,
    ];

    /// <summary>What rounding took from 2^(j/16), relative to it.</summary>
    private static ReadOnlySpan<float> RootErrors =>
    [
        0, 4.62854715e-08f, -1.19921575e-08f, 4.72978243e-08f,
        3.19341815e-08f, 3.62105723e-08f, -3.09907193e-08f, -7.47521334e-09f,
        1.71142709e-08f, -3.04768335e-08f, 5.23333421e-09f, 6.10759177e-09f,
        -1.47196051e-08f, -5.25879518e-09f, -6.12825968e-09f, 5.14060927e-09f,
    ];

    /// <summary>The logit of weight 1.</summary>
    public double Reference => _power / _exactScale;

    /// <summary>Weights of which that of one logit is about 1.</summary>
    /// <param name="logit">A logit.</param>
    /// <param name="temperature">Supported, as is the logit.</param>
    public static SingleWeights RelativeTo(float logit, double temperature) =>
        new(Math.Log2(Math.E) / temperature, Math.Round(logit * Math.Log2(Math.E) / temperature));

    /// <summary>Whether single precision is enough: not where tiny differences are blown up.</summary>
    public static bool Supports(double temperature) => temperature is >= 1e-3 and <= 1e3;

    /// <summary>Whether single precision is enough for logits as large as this one.</summary>
    public static bool Supports(float logit, double temperature) =>
        Math.Abs(logit * Math.Log2(Math.E) / temperature) <= LargestReference;

    /// <summary>Whether a logit's weight, and the sum of millions of them, can be represented.</summary>
    public bool Covers(float logit) => (logit * _exactScale) - _power <= MostPower;

    /// <summary>The four constants as vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Deconstruct(
        out Vector512<float> scale, out Vector512<float> scaleError, out Vector512<float> shift, out Vector512<float> least)
    {
        scale = Vector512.Create(_scale);
        scaleError = Vector512.Create(_scaleError);
        shift = Vector512.Create(_shift);
        least = Vector512.Create(_least);
    }

    /// <summary>One weight.</summary>
    public float Of(float logit)
    {
        var (scale, scaleError, shift, least) = this;
        return Of(Vector512.Create(logit), scale, scaleError, shift, least).ToScalar();
    }

    /// <summary>Sixteen weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(
        Vector512<float> logits, Vector512<float> scale, Vector512<float> scaleError, Vector512<float> shift, Vector512<float> least)
    {
        logits = Vector512.MaxNative(least, logits); // gives its second operand if one is NaN
        var shifted = Vector512.FusedMultiplyAdd(logits, scale, shift);
        // Both products without rounding.
        var rest = Vector512.FusedMultiplyAdd(logits, scaleError, Vector512.FusedMultiplyAdd(logits, scale, shift - shifted));
        var power = Vector512.FusedMultiplyAdd(Vector512.Create(Cubic), rest, Vector512.Create(Square));
        power = Vector512.FusedMultiplyAdd(power, rest, Vector512.Create(Linear));
        power = Vector512.FusedMultiplyAdd(power, rest, RootErrorOf(shifted)); // 2^rest − 1
        var root = RootOf(shifted);
        return Vector512.FusedMultiplyAdd(root, power, root);
    }

    /// <summary>The weights of one step in place, with the same bits: side by side, because each waits for itself most of the time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OfStep(
        ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d,
        Vector512<float> scale, Vector512<float> scaleError, Vector512<float> shift, Vector512<float> least)
    {
        if (!Vector512.IsHardwareAccelerated) // too few registers for that
        {
            a = Of(a, scale, scaleError, shift, least);
            b = Of(b, scale, scaleError, shift, least);
            c = Of(c, scale, scaleError, shift, least);
            d = Of(d, scale, scaleError, shift, least);
            return;
        }

        a = Vector512.MaxNative(least, a);
        b = Vector512.MaxNative(least, b);
        c = Vector512.MaxNative(least, c);
        d = Vector512.MaxNative(least, d);
        var shiftedA = Vector512.FusedMultiplyAdd(a, scale, shift);
        var shiftedB = Vector512.FusedMultiplyAdd(b, scale, shift);
        var shiftedC = Vector512.FusedMultiplyAdd(c, scale, shift);
        var shiftedD = Vector512.FusedMultiplyAdd(d, scale, shift);
        var restA = Vector512.FusedMultiplyAdd(a, scale, shift - shiftedA);
        var restB = Vector512.FusedMultiplyAdd(b, scale, shift - shiftedB);
        var restC = Vector512.FusedMultiplyAdd(c, scale, shift - shiftedC);
        var restD = Vector512.FusedMultiplyAdd(d, scale, shift - shiftedD);
        restA = Vector512.FusedMultiplyAdd(a, scaleError, restA);
        restB = Vector512.FusedMultiplyAdd(b, scaleError, restB);
        restC = Vector512.FusedMultiplyAdd(c, scaleError, restC);
        restD = Vector512.FusedMultiplyAdd(d, scaleError, restD);
        var (cubic, square, linear) = (Vector512.Create(Cubic), Vector512.Create(Square), Vector512.Create(Linear));
        a = Vector512.FusedMultiplyAdd(cubic, restA, square);
        b = Vector512.FusedMultiplyAdd(cubic, restB, square);
        c = Vector512.FusedMultiplyAdd(cubic, restC, square);
        d = Vector512.FusedMultiplyAdd(cubic, restD, square);
        a = Vector512.FusedMultiplyAdd(a, restA, linear);
        b = Vector512.FusedMultiplyAdd(b, restB, linear);
        c = Vector512.FusedMultiplyAdd(c, restC, linear);
        d = Vector512.FusedMultiplyAdd(d, restD, linear);
        a = Vector512.FusedMultiplyAdd(a, restA, RootErrorOf(shiftedA));
        b = Vector512.FusedMultiplyAdd(b, restB, RootErrorOf(shiftedB));
        c = Vector512.FusedMultiplyAdd(c, restC, RootErrorOf(shiftedC));
        d = Vector512.FusedMultiplyAdd(d, restD, RootErrorOf(shiftedD));
        shiftedA = RootOf(shiftedA);
        shiftedB = RootOf(shiftedB);
        shiftedC = RootOf(shiftedC);
        shiftedD = RootOf(shiftedD);
        a = Vector512.FusedMultiplyAdd(shiftedA, a, shiftedA);
        b = Vector512.FusedMultiplyAdd(shiftedB, b, shiftedB);
        c = Vector512.FusedMultiplyAdd(shiftedC, c, shiftedC);
        d = Vector512.FusedMultiplyAdd(shiftedD, d, shiftedD);
    }

    /// <summary>2^(n + j/16), of which n and j are the low bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> RootOf(Vector512<float> shifted) =>
        (Lookup(Roots, shifted.AsInt32()) + (shifted.AsInt32() << ToExponent)).AsSingle();

    /// <summary>What rounding took from 2^(j/16), relative to it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> RootErrorOf(Vector512<float> shifted) =>
        Lookup(MemoryMarshal.Cast<float, int>(RootErrors), shifted.AsInt32()).AsSingle();

    /// <summary>Of sixteen values those that the low four bits choose.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Lookup(ReadOnlySpan<int> values, Vector512<int> shifted)
    {
        ref var first = ref MemoryMarshal.GetReference(values);
        if (Avx512F.IsSupported)
            return Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(ref first), shifted);
        if (Avx2.IsSupported)
            return Vector512.Create(LookupEight(ref first, shifted.GetLower()), LookupEight(ref first, shifted.GetUpper()));
        return Vector512.Shuffle(Vector512.LoadUnsafe(ref first), shifted & Vector512.Create(15));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> LookupEight(ref int values, Vector256<int> shifted)
    {
        var low = Avx2.PermuteVar8x32(Vector256.LoadUnsafe(ref values), shifted);
        var high = Avx2.PermuteVar8x32(Vector256.LoadUnsafe(ref values, 8), shifted);
        return Avx.BlendVariable(low.AsSingle(), high.AsSingle(), (shifted << 28).AsSingle()).AsInt32();
    }
}
