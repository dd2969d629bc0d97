namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// The metrics of the relevant items' ranks r₁ &lt; r₂ &lt; … &lt; r_n of one question, misses (+∞) last, n ≥ 1; each metric is the mean over questions.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>HR@K = the number of ranks ≤ K, divided by n. With one relevant item this is hit rate and recall. Not divided by
/// min(K, n), as some do, so that HR@K never falls with K.</item>
/// <item>NDCG@K = Σ_{r ≤ K} 1 / log2(r + 1), divided by Σ_{i = 1…min(K, n)} 1 / log2(i + 1): 1 is achievable (RecTools
/// divides by that only on request).</item>
/// <item>MAP@K = Σ_{r_i ≤ K} i / r_i, divided by min(K, n). With one relevant item it equals MRR@K.</item>
/// <item>MRR@K = 1 / r₁ if r₁ ≤ K, else 0; MRR is not cut off.</item>
/// </list>
/// </remarks>
internal static class RankMetrics
{
    /// <summary>All metrics of the options, in their order.</summary>
    /// <param name="starts">Question q's ranks are at <c>starts[q] … starts[q + 1]</c>.</param>
    /// <param name="ranks">1 or more, +∞ for a miss.</param>
    /// <param name="options">Which cutoffs.</param>
    public static IEnumerable<Metric> Of(int[] starts, double[] ranks, RankingOptions options)
    {
        var sorted = (double[])ranks.Clone();
        for (var q = 0; q + 1 < starts.Length; q++)
            sorted.AsSpan(starts[q]..starts[q + 1]).Sort();

        Metric Each(string name, Gain gain)
        {
            var values = new double[starts.Length - 1];
            for (var q = 0; q < values.Length; q++)
                values[q] = gain(sorted.AsSpan(starts[q]..starts[q + 1]));
            return Metric.MeanOf(name, values);
        }

        foreach (var k in options.HitCutoffs)
            yield return Each($"HR@{k}", r => (double)Hits(r, k) / r.Length);
        foreach (var k in options.NdcgCutoffs)
            yield return Each($"NDCG@{k}", r => Ndcg(r, k));
        foreach (var k in options.PrecisionCutoffs)
            yield return Each($"MAP@{k}", r => AveragePrecision(r, k));
        foreach (var k in options.PrecisionCutoffs)
            yield return Each($"MRR@{k}", r => r[0] <= k ? 1 / r[0] : 0);
        yield return Each("MRR", r => 1 / r[0]);
    }

    private delegate double Gain(ReadOnlySpan<double> ranks);

    private static int Hits(ReadOnlySpan<double> ranks, int k)
    {
        var count = 0;
        while (count < ranks.Length && ranks[count] <= k)
            count++;
        return count;
    }

    private static double Ndcg(ReadOnlySpan<double> ranks, int k)
    {
        var (gain, ideal) = (0.0, 0.0);
        for (var i = 0; i < ranks.Length; i++)
        {
            gain += ranks[i] <= k ? 1 / Math.Log2(ranks[i] + 1) : 0;
            ideal += i < k ? 1 / Math.Log2(i + 2) : 0;
        }

        return gain / ideal;
    }

    private static double AveragePrecision(ReadOnlySpan<double> ranks, int k)
    {
        var sum = 0.0;
        for (var i = 0; i < ranks.Length && ranks[i] <= k; i++)
            sum += (i + 1) / ranks[i];
        return sum / Math.Min(k, ranks.Length);
    }
}
