using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>How much of a mass lies on few different logits.</summary>
internal static class TieMasses
{
    /// <summary>A table of two to this power; indexes are the first bits of a product (Knuth 1973, section 6.4).</summary>
    private const int TableBits = 13;

    private const uint Multiplier = 2654435769;

    /// <summary>Σ (factor · mass)² over the different logits of a list, and somewhat more: some different ones are taken for one.</summary>
    /// <param name="list">Weighed.</param>
    /// <param name="edge">A logit.</param>
    /// <param name="factorAbove">The factor of those above it.</param>
    /// <param name="factorBelow">That of the others.</param>
    [SkipLocalsInit]
    public static double SumOfSquares(in LogitList list, float edge, float factorAbove, float factorBelow)
    {
        Span<float> masses = stackalloc float[1 << TableBits];
        masses.Clear();
        var logits = list.Logits;
        var weights = list.Weights;
        for (var i = 0; i < logits.Length; i++)
            masses[(int)((BitConverter.SingleToUInt32Bits(logits[i]) * Multiplier) >> (32 - TableBits))] += weights[i] * (logits[i] > edge ? factorAbove : factorBelow);
        var sum = Vector512<double>.Zero;
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(masses))
        {
            var (lower, upper) = Vector512.Widen(sixteen);
            sum += (lower * lower) + (upper * upper);
        }

        return LaneSum.Fold(sum);
    }
}
