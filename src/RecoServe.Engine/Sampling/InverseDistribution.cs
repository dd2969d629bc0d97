using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>The inverse of a discrete distribution function that is given by weights.</summary>
[SkipLocalsInit]
internal static class InverseDistribution
{
    /// <summary>
    /// The first index at which the running sum exceeds <paramref name="rest"/>, which becomes what is left of it there;
    /// the last index with any weight, should rounding carry past the end. −1 if none has any.
    /// </summary>
    public static int Locate(ReadOnlySpan<double> weights, ref double rest)
    {
        // Eight at a time: one subtraction after the other is slow.
        var (found, left) = (-1, rest);
        var eights = MemoryMarshal.Cast<double, Vector512<double>>(weights);
        for (var i = 0; i < eights.Length; i++)
        {
            var sum = LaneSum.Fold(eights[i]);
            if (sum == 0)
                continue;
            (found, rest) = (i * Vector512<double>.Count, left);
            if (left < sum)
                return found + LocateFew(weights.Slice(found, Vector512<double>.Count), ref rest);
            left -= sum;
        }

        var tail = eights.Length * Vector512<double>.Count;
        if (LocateFew(weights[tail..], ref left) is >= 0 and var last)
        {
            rest = left;
            return tail + last;
        }

        return found < 0 ? -1 : found + LocateFew(weights.Slice(found, Vector512<double>.Count), ref rest);
    }

    /// <inheritdoc cref="Locate(ReadOnlySpan{double}, ref double)"/>
    /// <param name="weights">64 of them.</param>
    /// <param name="rest">What the running sum must exceed.</param>
    public static int Locate(ReadOnlySpan<float> weights, ref double rest)
    {
        Span<double> values = stackalloc double[Vector512<float>.Count];
        for (var i = 0; i < 4; i++)
            values[i] = RowPasses.Sum(Vector512.Create(weights.Slice(i * Vector512<float>.Count, Vector512<float>.Count)));
        var first = LocateFew(values[..4], ref rest) * Vector512<float>.Count;
        var (lower, upper) = Vector512.Widen(Vector512.Create(weights.Slice(first, Vector512<float>.Count)));
        lower.CopyTo(values);
        upper.CopyTo(values[Vector512<double>.Count..]);
        return first + LocateFew(values[..Vector512<float>.Count], ref rest);
    }

    private static int LocateFew(ReadOnlySpan<double> weights, ref double rest)
    {
        var (found, left) = (-1, rest);
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
                continue;
            (found, rest) = (i, left);
            if (left < weights[i])
                break;
            left -= weights[i];
        }

        return found;
    }
}
