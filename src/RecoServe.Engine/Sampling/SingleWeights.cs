using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Softmax weights exp((logit − <see cref="Reference"/>) / temperature) in single precision, sixteen at a time, for passes over
/// whole rows. Each has a relative error below 1.2e-7; in a sum over many items the errors cancel. The bits are the same with
/// AVX-512, with other vectors and without.
/// </summary>
/// <remarks>
/// A weight is 2^(t − K), t = logit · log2(e) / temperature, with an integer K: what is left of t after rounding to an integer
/// is exact however large K is, and goes through a polynomial of degree 6 (Remez 1934; error 3e-9); the integer goes into the
/// exponent. Weights below 2^−125 become about 2^−125. A logit that is NaN or +∞ gives NaN; one whose weight would be 2^127 or
/// more gives nonsense: whoever sums must compare the largest with <see cref="Covers"/>.
/// </remarks>
internal readonly struct SingleWeights
{
    private const float LeastPower = -125;
    private const double MostPower = 100;
    private const double LargestReference = 1 << 21;
    private const int ExponentBias = 127;
    private const int MantissaBits = 23;

    // Added to a number below 2²², its last digit has the value 1: rounds to an integer, which the low bits then hold.
    private const double Rounder = 12582912; // 1.5 · 2²³

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
        _shift = (float)(Rounder + ExponentBias - power);
        _least = (float)((power + LeastPower) / scale);
    }

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
        var fraction = Vector512.FusedMultiplyAdd(logits, scaleError, Vector512.FusedMultiplyAdd(logits, scale, shift - shifted));
        return PowerOfFraction(fraction) * (shifted.AsInt32() << MantissaBits).AsSingle();
    }

    /// <summary>2^x for x in [−½, ½].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfFraction(Vector512<float> x)
    {
        var power = Vector512.Create(0.00015327864f);
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.0013390998f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.009618503f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.055503596f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.24022648f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.6931472f));
        return Vector512.FusedMultiplyAdd(power, x, Vector512.Create(1f));
    }
}
