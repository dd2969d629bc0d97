using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Softmax weights exp((logit − reference) / temperature) in single precision, sixteen at a time, for passes over whole rows.
/// Each has a relative error below 1.2e-7, and that of the distance, which is 0 from a reference of 0; in a sum over many
/// items the errors cancel. The bits are the same with AVX-512, with other vectors and without.
/// </summary>
/// <remarks>
/// A weight is 2^t, t = (logit − reference) · log2(e) / temperature, with the fraction of t by a polynomial of degree 6 (Remez
/// 1934; error 1.3e-8) and its floor by the exponent. Weights below 2^−125 become 2^−125. NaN and weights from 2^128 on give a
/// sum that is not finite.
/// </remarks>
internal readonly struct SingleWeights
{
    private const float LeastPower = -125;
    private const float MostPower = 128;
    private const int MantissaBits = 23;

    private readonly float _reference;
    private readonly float _scale;
    private readonly float _scaleError;
    private readonly float _least;
    private readonly float _most;

    private SingleWeights(float reference, double scale)
    {
        _reference = reference;
        _scale = (float)scale;
        _scaleError = (float)(scale - _scale);
        _least = scale == 0 ? float.MinValue : LeastPower / _scale;
        _most = scale == 0 ? float.MaxValue : MostPower / _scale;
    }

    /// <summary>Weights that are all 1: a mass is then a number of items.</summary>
    public static SingleWeights Ones { get; } = new(0, 0);

    /// <summary>Weights relative to a logit.</summary>
    /// <param name="reference">The logit of weight 1, finite.</param>
    /// <param name="temperature">For which <see cref="Supports"/> is true.</param>
    public static SingleWeights RelativeTo(float reference, double temperature) => new(reference, Math.Log2(Math.E) / temperature);

    /// <summary>The squares of these weights: those of half the temperature.</summary>
    public SingleWeights Squared() => new(_reference, 2 * ((double)_scale + _scaleError));

    /// <summary>Whether single precision is enough for a temperature: not where tiny differences are blown up.</summary>
    public static bool Supports(double temperature) => temperature is >= 1e-3 and <= 1e3;

    /// <summary>The five constants as vectors, for <see cref="Of"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Deconstruct(
        out Vector512<float> reference, out Vector512<float> scale, out Vector512<float> scaleError, out Vector512<float> least,
        out Vector512<float> most)
    {
        reference = Vector512.Create(_reference);
        scale = Vector512.Create(_scale);
        scaleError = Vector512.Create(_scaleError);
        least = Vector512.Create(_least);
        most = Vector512.Create(_most);
    }

    /// <summary>Sixteen weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(
        Vector512<float> logits, Vector512<float> reference, Vector512<float> scale, Vector512<float> scaleError,
        Vector512<float> least, Vector512<float> most)
    {
        // Native maximum and minimum give their second operand if one is NaN.
        var distance = Vector512.MaxNative(least, logits - reference);
        if (!Avx512F.IsSupported)
            distance = Vector512.MinNative(most, distance);
        var whole = Vector512.Floor(distance * scale);
        // Both products without rounding: the fraction keeps all its digits however far the logit is from the reference.
        var fraction = Vector512.FusedMultiplyAdd(distance, scaleError, Vector512.FusedMultiplyAdd(distance, scale, -whole));
        var power = PowerOfFraction(fraction);
        return Avx512F.IsSupported
            ? Avx512F.Scale(power, whole)
            : (power.AsInt32() + (Vector512.ConvertToInt32Native(whole) << MantissaBits)).AsSingle();
    }

    /// <summary>2^x for x in [0, 1].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> PowerOfFraction(Vector512<float> x)
    {
        var power = Vector512.Create(0.000216129149f);
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.0012467847f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.00967545155f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.0554852821f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.240229309f));
        power = Vector512.FusedMultiplyAdd(power, x, Vector512.Create(0.693147063f));
        return Vector512.FusedMultiplyAdd(power, x, Vector512.Create(1f));
    }
}
