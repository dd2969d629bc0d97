namespace RecoServe.Engine.Traffic;

/// <summary>How much the slates of two versions for one request have in common.</summary>
/// <param name="Overlap">Share of the k most probable items that both name, 0 to 1 (overlap@k).</param>
/// <param name="RankCorrelation">Kendall's tau of the items that either names and both know, −1 to 1; 1 if there are fewer than two.</param>
/// <param name="ScoreDrift">Mean |Δ log-probability| of the first version's items that the second knows, 0 or more.</param>
internal readonly record struct SlateComparison(double Overlap, double RankCorrelation, double ScoreDrift)
{
    /// <summary>Compares the most probable items of two versions.</summary>
    internal static SlateComparison Of(RankedSlate first, RankedSlate second)
    {
        var both = first.Items.Intersect(second.Items, StringComparer.Ordinal).Count();
        var largest = Math.Max(first.Items.Count, second.Items.Count);
        var union = first.Items.Union(second.Items, StringComparer.Ordinal)
            .Select(id => (First: first.LogProbabilityOf(id), Second: second.LogProbabilityOf(id))).Where(s => s is { First: not null, Second: not null })
            .Select(s => (s.First!.Value, s.Second!.Value)).ToArray();
        var drifts = first.Items.Select(id => (first.LogProbabilityOf(id) - second.LogProbabilityOf(id)) is { } d ? Math.Abs(d) : (double?)null).OfType<double>();
        return new SlateComparison(largest == 0 ? 1 : (double)both / largest, KendallTau(union), drifts.DefaultIfEmpty(0).Average());
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
