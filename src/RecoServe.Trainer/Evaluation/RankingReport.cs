namespace RecoServe.Trainer.Evaluation;

/// <summary>The ranks of all relevant items and the metrics of one part; see <see cref="RankMetrics"/> and <see cref="ListMetrics"/>.</summary>
internal sealed class RankingReport
{
    private readonly double[] _ranks;

    /// <param name="questions">The questions asked.</param>
    /// <param name="ranks">The ranks of their items, one question's after another's: 1 or more, +∞ for a miss.</param>
    /// <param name="undecided">For how many questions every item has the same score.</param>
    /// <param name="measured">The metrics.</param>
    public RankingReport(IReadOnlyList<HeldOut> questions, double[] ranks, int undecided, IReadOnlyList<Metric> measured)
    {
        (Questions, _ranks, Undecided, Measured) = (questions, ranks, undecided, measured);
        Users = [.. questions.Select(q => q.User)];
    }

    /// <summary>The questions asked.</summary>
    public IReadOnlyList<HeldOut> Questions { get; }

    /// <summary>The user of each question.</summary>
    public IReadOnlyList<int> Users { get; }

    /// <summary>The ranks of the relevant items, one question's after another's: 1 or more, +∞ for a miss.</summary>
    public ReadOnlySpan<double> Ranks => _ranks;

    /// <summary>Targets that the scorer does not know: misses in every metric.</summary>
    public int UnknownTargets => _ranks.Count(double.IsPositiveInfinity);

    /// <summary>Questions for which all items that can be scored have the target's score: the tie rule alone made their rank.</summary>
    public int Undecided { get; }

    /// <summary>Training events later than the first target, where the split promises nothing across users; 0 without times.</summary>
    public long LaterTraining { get; init; }

    /// <summary>What of the part the scorer could have learned, if leaks were allowed; null if nothing.</summary>
    public string? Leak { get; init; }

    /// <summary>The metrics with the values of every question: for intervals and paired comparisons.</summary>
    public IReadOnlyList<Metric> Measured { get; }

    /// <summary>Name and value of the metrics. 0 if there are no questions.</summary>
    public IEnumerable<KeyValuePair<string, double>> Metrics => Measured.Select(m => KeyValuePair.Create(m.Name, m.Value));

    /// <summary>The value of one metric.</summary>
    /// <exception cref="KeyNotFoundException">The report has no metric of this name.</exception>
    public double this[string metric] => Measured.FirstOrDefault(m => m.Name == metric)?.Value
        ?? throw new KeyNotFoundException($"no metric {metric}; there are {string.Join(", ", Measured.Select(m => m.Name))}");
}
