using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// eˣ for x up to 700 with the same bits on every machine, at every vector width and in every tier of the JIT, because a slate and
/// its propensities must not change. <c>TensorPrimitives.Exp</c> fuses multiplications and additions wherever the code at
/// hand can, so that its last digit changes when a method is compiled anew; here it is written which are fused.
/// </summary>
internal static class Exponential
{
    /// <summary>Below this, e to the power of it is 0.</summary>
    private const double Least = -746;

    private const double Log2E = 1.4426950408889634;

    // ln 2 in two parts; the first has 32 significant bits, so that its product with a power of two's exponent is exact.
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;

    // Added to a number below 2⁵¹, its last digit has the value 1: rounds to an integer, which the low bits then hold.
    private const double Rounder = 6755399441055744; // 1.5 · 2⁵²
    private const int ExponentBias = 1023;
    private const int MantissaBits = 52;

    /// <summary>eˣ; relative error below 4e-16, subnormal results included to their last bit or so. x in [−∞, 700].</summary>
    public static double Of(double x) => Of(Vector512.Create(x)).ToScalar();

    /// <summary>Eight powers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Of(Vector512<double> x)
    {
        Debug.Assert(Vector512.LessThanOrEqualAll(x, Vector512.Create(700.0)), "weights are relative to one of the largest logits");
        x = Vector512.Max(x, Vector512.Create(Least));

        // x = n ln 2 + r, so eˣ = 2ⁿ eʳ.
        var n = Vector512.FusedMultiplyAdd(x, Vector512.Create(Log2E), Vector512.Create(Rounder)) - Vector512.Create(Rounder);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2High), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-Ln2Low), r);

        // Taylor: on |r| ≤ ln 2 / 2 the rest of the series is below 2⁻⁵⁷.
        var power = Vector512.Create(1.0 / 6227020800);
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 479001600));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 39916800));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 3628800));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 362880));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 40320));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 5040));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 720));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 120));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 24));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 6));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512.Create(1.0 / 2));
        power = Vector512.FusedMultiplyAdd(power, r, Vector512<double>.One);
        power = Vector512.FusedMultiplyAdd(power, r, Vector512<double>.One);

        // Two factors, because 2ⁿ may be subnormal where the product has not yet been rounded.
        var first = Vector512.Max(n, Vector512.Create(-1000.0));
        return power * PowerOfTwo(first) * PowerOfTwo(n - first);
    }

    /// <summary>2ⁿ for integers n in [−1022, 1023].</summary>
    private static Vector512<double> PowerOfTwo(Vector512<double> n) =>
        ((n + Vector512.Create(Rounder + ExponentBias)).AsInt64() << MantissaBits).AsDouble();
}
