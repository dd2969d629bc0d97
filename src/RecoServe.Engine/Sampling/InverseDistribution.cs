using System.Numerics;

namespace RecoServe.Engine.Sampling;

/// <summary>The inverse of a discrete distribution function that is given by weights.</summary>
internal static class InverseDistribution
{
    /// <summary>
    /// The first index at which the running sum exceeds <paramref name="rest"/>, which becomes what is left of it there;
    /// the last index with any weight, should rounding carry past the end.
    /// </summary>
    public static int Locate<T>(ReadOnlySpan<T> weights, ref double rest)
        where T : IFloatingPoint<T>
    {
        var found = -1;
        for (var i = 0; i < weights.Length; i++)
        {
            var weight = double.CreateTruncating(weights[i]);
            if (weight == 0)
                continue;
            found = i;
            if (rest < weight)
                break;
            rest -= weight;
        }

        return found;
    }
}
