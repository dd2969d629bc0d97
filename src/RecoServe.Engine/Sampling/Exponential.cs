using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// eˣ for x ≤ 0 with the same bits on every machine, at every vector width and in every tier of the JIT, because a slate and
/// its propensities must not change. <c>TensorPrimitives.Exp</c> fuses multiplications and additions wherever the code at
/// hand can, so that its last digit changes when a method is compiled anew; here each is rounded by itself.
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

    // 1/13! … 1/1!, 1/0!: on |r| ≤ ln 2 / 2 the rest of the series is below 2⁻⁵⁷.
    private static readonly double[] Series =
    [
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
        1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1,
    ];

    /// <summary>eˣ; relative error below 4e-16, subnormal results included to their last bit or so. x in [−∞, 0].</summary>
    public static double Of(double x) => Of(Vector256.Create(x)).ToScalar();

    /// <summary>Replaces every value x by eˣ.</summary>
    public static void Apply(Span<double> values)
    {
        foreach (ref var quad in MemoryMarshal.Cast<double, Vector256<double>>(values))
            quad = Of(quad);
        foreach (ref var x in values[(values.Length & ~(Vector256<double>.Count - 1))..])
            x = Of(x);
    }

    private static Vector256<double> Of(Vector256<double> x)
    {
        Debug.Assert(Vector256.LessThanOrEqualAll(x, Vector256<double>.Zero), "weights are relative to the largest logit");
        x = Vector256.Max(x, Vector256.Create(Least));

        // x = n ln 2 + r, so eˣ = 2ⁿ eʳ.
        var n = (x * Log2E) + Vector256.Create(Rounder) - Vector256.Create(Rounder);
        var r = x - (n * Ln2High) - (n * Ln2Low);
        var power = Vector256<double>.Zero;
        foreach (var coefficient in Series)
            power = (power * r) + Vector256.Create(coefficient);

        // Two factors, because 2ⁿ may be subnormal where the product has not yet been rounded.
        var first = Vector256.Max(n, Vector256.Create(-1000.0));
        return power * PowerOfTwo(first) * PowerOfTwo(n - first);
    }

    /// <summary>2ⁿ for integers n in [−1022, 1023].</summary>
    private static Vector256<double> PowerOfTwo(Vector256<double> n) =>
        ((n + Vector256.Create(Rounder + ExponentBias)).AsInt64() << MantissaBits).AsDouble();
}
