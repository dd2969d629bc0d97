namespace RecoServe.Engine.Traffic;

/// <summary>How much the slates of two versions for one request have in common.</summary>
/// <param name="Overlap">Share of the k most probable items that both name, 0 to 1 (overlap@k).</param>
/// <param name="RankCorrelation">Kendall's tau of the items that either names and both know, −1 to 1; 1 if there are fewer than two.</param>
/// <param name="ScoreDrift">Mean |Δ log-probability| of the first version's items that the second knows, 0 or more.</param>
/// <param name="ByChance">The overlap that two rankings of the eligible items have on average which have nothing to do with each other: slate size ÷ items.</param>
/// <param name="Agreement">
/// Kendall's tau of the items that the first ranks highest and both know, in standard deviations of what it is for such rankings; NaN if they are fewer than
/// <see cref="FewestRanked"/>.
/// </param>
/// <param name="Personal">
/// How much more probable the second version makes the first's items for this request than its items for another, in units of what the first makes of it: about
/// 1 of versions that learned the same, about 0 if they agree in no more than what everybody is recommended; NaN if the first makes less than
/// <see cref="LeastKnown"/> of it, as of two who are new.
/// </param>
internal readonly record struct SlateComparison(double Overlap, double RankCorrelation, double ScoreDrift, double ByChance = 0, double Agreement = double.NaN, double Personal = double.NaN)
{
    /// <summary>Fewer items say nothing of their order.</summary>
    internal const int FewestRanked = 10;

    /// <summary>What the first version must make of a request, in nats, for the second's share of it to be more than noise.</summary>
    internal const double LeastKnown = 0.5;

    /// <summary>Compares the most probable items of two versions.</summary>
    /// <param name="first">The one that answers.</param>
    /// <param name="second">The one that is compared.</param>
    /// <param name="another">What the first has for another request; null if there was none yet.</param>
    internal static SlateComparison Of(RankedSlate first, RankedSlate second, RankedSlate? another = null)
    {
        var both = first.Items.Intersect(second.Items, StringComparer.Ordinal).Count();
        var largest = Math.Max(first.Items.Count, second.Items.Count);
        var drifts = first.Items.Select(id => (first.LogProbabilityOf(id) - second.LogProbabilityOf(id)) is { } d ? Math.Abs(d) : (double?)null).OfType<double>();
        return new SlateComparison(
            largest == 0 ? 1 : (double)both / largest,
            KendallTau(Scores(first, second, first.Items.Union(second.Items, StringComparer.Ordinal))),
            drifts.DefaultIfEmpty(0).Average(),
            largest == 0 ? 1 : (double)largest / Math.Max(largest, Math.Max(first.Eligible, second.Eligible)),
            AgreementOf(Scores(first, second, first.Ranked)),
            another is null ? double.NaN : PersonalOf(Scores(first, second, first.Items), Scores(first, second, another.Items)));
    }

    /// <summary>Those of the items that both know.</summary>
    private static (double First, double Second)[] Scores(RankedSlate first, RankedSlate second, IEnumerable<string> items) =>
    [
        .. items.Select(id => (First: first.LogProbabilityOf(id), Second: second.LogProbabilityOf(id)))
            .Where(s => s is { First: not null, Second: not null }).Select(s => (s.First!.Value, s.Second!.Value)),
    ];

    /// <summary>The variance of tau without any relation is 2 (2n + 5) ÷ 9n (n − 1) (Kendall 1938).</summary>
    private static double AgreementOf((double First, double Second)[] scores)
    {
        double n = scores.Length;
        return n < FewestRanked ? double.NaN : KendallTau(scores) / Math.Sqrt(2 * ((2 * n) + 5) / (9 * n * (n - 1)));
    }

    private static double PersonalOf((double First, double Second)[] own, (double First, double Second)[] others)
    {
        if (own.Length == 0 || others.Length == 0)
            return double.NaN;
        var known = own.Average(s => s.First) - others.Average(s => s.First);
        return known >= LeastKnown ? (own.Average(s => s.Second) - others.Average(s => s.Second)) / known : double.NaN;
    }

    /// <summary>Share of pairs in the same order less that of pairs in the opposite one; ties are neither (Kendall 1938).</summary>
    private static double KendallTau((double First, double Second)[] scores)
    {
        var sum = 0;
        for (var i = 0; i < scores.Length; i++)
        {
            for (var j = 0; j < i; j++)
                sum += Math.Sign(scores[i].First - scores[j].First) * Math.Sign(scores[i].Second - scores[j].Second);
        }

        return scores.Length < 2 ? 1 : sum / (scores.Length * (scores.Length - 1) / 2.0);
    }
}
