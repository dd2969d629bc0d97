namespace RecoServe.Trainer.Evaluation;

/// <summary>The ranks of all targets and the metrics computed from them.</summary>
/// <remarks>
/// One relevant item a user: HR@K = share of ranks ≤ K (which is also Recall@K); NDCG@K = mean of 1 / log2(rank + 1) over
/// ranks ≤ K, else 0; MRR = mean of 1 / rank, not cut off.
/// </remarks>
internal sealed class RankingReport
{
    private readonly double[] _ranks;

    /// <summary>Computes the metrics.</summary>
    /// <param name="users">The users ranked.</param>
    /// <param name="ranks">The target's rank for each of <paramref name="users"/>, 1 or more, +∞ for a miss.</param>
    /// <param name="undecided">For how many of them every item has the same score.</param>
    /// <param name="options">Which metrics.</param>
    public RankingReport(IReadOnlyList<int> users, double[] ranks, int undecided, RankingOptions options)
    {
        (Users, _ranks, Undecided) = (users, ranks, undecided);
        List<KeyValuePair<string, double>> metrics = [];
        foreach (var k in options.HitCutoffs)
            metrics.Add(new($"HR@{k}", MeanOf(rank => rank <= k ? 1 : 0)));
        foreach (var k in options.NdcgCutoffs)
            metrics.Add(new($"NDCG@{k}", MeanOf(rank => rank <= k ? 1 / Math.Log2(rank + 1) : 0)));
        metrics.Add(new("MRR", MeanOf(rank => 1 / rank)));
        Metrics = metrics;
    }

    /// <summary>The users ranked, in the order of <see cref="Ranks"/>.</summary>
    public IReadOnlyList<int> Users { get; }

    /// <summary>Each user's rank of the target, 1 or more, +∞ for a miss: for paired tests and the bootstrap.</summary>
    public ReadOnlySpan<double> Ranks => _ranks;

    /// <summary>Targets that the scorer does not know: misses in every metric.</summary>
    public int UnknownTargets => _ranks.Count(double.IsPositiveInfinity);

    /// <summary>Users for whom all items that can be scored have the target's score: the tie rule alone made their rank.</summary>
    public int Undecided { get; }

    /// <summary>Name and value, in the order of the options: HR@K …, NDCG@K …, MRR. 0 if there are no users.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Metrics { get; }

    /// <summary>The value of one metric.</summary>
    /// <exception cref="KeyNotFoundException">The report has no metric of this name.</exception>
    public double this[string metric]
    {
        get
        {
            foreach (var (name, value) in Metrics)
            {
                if (name == metric)
                    return value;
            }

            throw new KeyNotFoundException($"no metric {metric}; there are {string.Join(", ", Metrics.Select(m => m.Key))}");
        }
    }

    private double MeanOf(Func<double, double> gain) => _ranks.Length == 0 ? 0 : _ranks.Average(gain);
}
