namespace RecoServe.Engine.Traffic;

/// <summary>The exact binomial test: how likely chance alone gives so many.</summary>
internal static class BinomialTail
{
    /// <summary>P(X ≥ k) for X of n independent trials that succeed with probability p.</summary>
    /// <param name="n">0 or more.</param>
    /// <param name="k">0…n.</param>
    /// <param name="p">In [0, 1].</param>
    internal static double AtLeast(int n, int k, double p)
    {
        if (k <= 0 || p >= 1)
            return 1;
        if (k > n || p <= 0)
            return 0;
        var (log, odds) = (n * Math.Log(1 - p), p / (1 - p));
        for (var i = 0; i < k; i++) // ln P(X = k), term by term from ln P(X = 0)
            log += Math.Log((double)(n - i) / (i + 1) * odds);
        var (term, sum) = (1.0, 0.0);
        for (var i = k; i <= n; i++)
        {
            sum += term;
            term *= (double)(n - i) / (i + 1) * odds;
        }

        return Math.Min(1, Math.Exp(log + Math.Log(sum)));
    }
}
