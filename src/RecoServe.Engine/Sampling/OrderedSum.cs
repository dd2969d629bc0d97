using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Sums of weights in one fixed order of additions, because a slate must not depend on the machine's vector width, as
/// <c>TensorPrimitives.Sum</c> does: four lanes inside a block of 1,024, compensated from block to block.
/// </summary>
internal static class OrderedSum
{
    private const int BlockLength = 1024;

    /// <summary>Σ values; its relative error stays below 256 · 2⁻⁵³ for non-negative values, however many.</summary>
    public static double Of(ReadOnlySpan<double> values)
    {
        var total = default(CompensatedSum);
        for (; values.Length > BlockLength; values = values[BlockLength..])
            total.Add(OfBlock(values[..BlockLength]));
        total.Add(OfBlock(values));
        return total.Value;
    }

    private static double OfBlock(ReadOnlySpan<double> values)
    {
        var lanes = Vector256<double>.Zero;
        foreach (var quad in MemoryMarshal.Cast<double, Vector256<double>>(values))
            lanes += quad;
        var sum = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        foreach (var value in values[(values.Length & ~(Vector256<double>.Count - 1))..])
            sum += value;
        return sum;
    }
}
