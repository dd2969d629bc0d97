using System.Numerics;

namespace RecoServe.Trainer.Models;

/// <summary>Each item's share of all counts, or of sums of rewards, as a logarithm: ln((count + s) / (Σ count + s N)).</summary>
internal static class LogShares
{
    /// <summary>N + 1 numbers, the first of which is −∞.</summary>
    /// <param name="counts">N + 1 numbers; the first is not read.</param>
    /// <param name="smoothing">s, added to every count.</param>
    public static float[] Of<T>(ReadOnlySpan<T> counts, double smoothing = 1)
        where T : INumber<T>
    {
        var total = smoothing * (counts.Length - 1);
        foreach (var count in counts[1..])
            total += double.CreateChecked(count);
        var shares = new float[counts.Length];
        shares[0] = float.NegativeInfinity;
        for (var i = 1; i < shares.Length; i++)
            shares[i] = (float)Math.Log((double.CreateChecked(counts[i]) + smoothing) / total);
        return shares;
    }
}
