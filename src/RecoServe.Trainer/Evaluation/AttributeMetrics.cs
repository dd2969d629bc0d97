using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>The metrics of what is in the lists, by the items' attributes; none for an attribute that items do not have.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>category_consistency@K, language_consistency@K = share of the list that has a value in common with the last watch of
/// the history; category_base_rate, language_base_rate = the same of what was really watched next: consistency far above it
/// is a bubble. Questions whose last watch has no value say nothing.</item>
/// <item>premium_share@K = share of the list with premium = true; premium_base_rate the same of what was watched.</item>
/// <item>…_by_slot@K = the same with slot s weighted by 1 / log2(s + 1): what is first is seen most.</item>
/// <item>diversity@K = mean over pairs of the list of the Jaccard distance of their categories; pairs with an item without
/// category say nothing.</item>
/// <item>calibration@K = Σ_g p(g) ln(p(g) / q̃(g)), q̃ = .99 q + .01 p (Steck, RecSys 2018): p the categories of the history,
/// q those of the list, an item's weight shared by its categories. 0 is best; without the mixing it could be infinite.</item>
/// </list>
/// </remarks>
internal static class AttributeMetrics
{
    private const double Mixing = 0.01;

    /// <summary>All metrics that the items' attributes allow.</summary>
    public static IEnumerable<Metric> Of(WatchLog log, IReadOnlyList<HeldOut> questions, RecommendedLists lists)
    {
        var k = lists.Length;
        if (ItemCodes.Of(log.Catalogue, "category") is { } categories)
        {
            yield return Metric.MeanOf($"diversity@{k}", Each(lists, q => Diversity(categories, lists.Of(q))));
            yield return Metric.MeanOf($"calibration@{k}", Each(lists, q => Calibration(categories, log.ItemsOf(questions[q].User).Span[..questions[q].Position], lists.Of(q))));
        }

        foreach (var attribute in new[] { "category", "language" })
        {
            if (ItemCodes.Of(log.Catalogue, attribute) is not { } codes)
                continue;
            double Last(int q, int item)
            {
                var last = log.ItemsOf(questions[q].User).Span[questions[q].Position - 1];
                return codes.Of(last).IsEmpty ? double.NaN : codes.Share(last, item) ? 1 : 0;
            }

            foreach (var metric in Shares($"{attribute}_consistency", $"{attribute}_base_rate", questions, lists, Last))
                yield return metric;
        }

        if (PremiumItems.Of(log.Catalogue) is { } isPremium)
        {
            foreach (var metric in Shares("premium_share", "premium_base_rate", questions, lists, (_, item) => isPremium[item] ? 1 : 0))
                yield return metric;
        }
    }

    /// <summary>Steck's divergence of a list from a history; NaN if either has no category.</summary>
    internal static double Calibration(ItemCodes categories, ReadOnlySpan<int> history, ReadOnlySpan<int> list)
    {
        if (Distribution(categories, history) is not { } p || Distribution(categories, list) is not { } q)
            return double.NaN;
        var divergence = 0.0;
        for (var g = 0; g < p.Length; g++)
            divergence += p[g] == 0 ? 0 : p[g] * Math.Log(p[g] / (((1 - Mixing) * q[g]) + (Mixing * p[g])));
        return divergence;
    }

    /// <summary>The mean distance of a list's pairs; NaN if no pair has one.</summary>
    internal static double Diversity(ItemCodes categories, ReadOnlySpan<int> list)
    {
        var (sum, pairs) = (0.0, 0);
        for (var i = 0; i < list.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (categories.Distance(list[i], list[j]) is var distance && !double.IsNaN(distance))
                    (sum, pairs) = (sum + distance, pairs + 1);
            }
        }

        return sum / pairs;
    }

    private static IEnumerable<Metric> Shares(
        string name, string baseRate, IReadOnlyList<HeldOut> questions, RecommendedLists lists, Func<int, int, double> has)
    {
        yield return Metric.MeanOf($"{name}@{lists.Length}", Each(lists, q => Weighted(lists.Of(q), item => has(q, item), _ => 1)));
        yield return Metric.MeanOf($"{name}_by_slot@{lists.Length}", Each(lists, q => Weighted(lists.Of(q), item => has(q, item), slot => 1 / Math.Log2(slot + 1))));
        yield return Metric.MeanOf(baseRate, Each(lists, q => Weighted(questions[q].Items.Span, item => has(q, item), _ => 1)));
    }

    private static double Weighted(ReadOnlySpan<int> items, Func<int, double> has, Func<int, double> weightOf)
    {
        var (sum, weights) = (0.0, 0.0);
        for (var i = 0; i < items.Length; i++)
            (sum, weights) = (sum + (weightOf(i + 1) * has(items[i])), weights + weightOf(i + 1));
        return sum / weights;
    }

    private static double[]? Distribution(ItemCodes categories, ReadOnlySpan<int> items)
    {
        var shares = new double[categories.ValueCount];
        var counted = 0;
        foreach (var item in items)
        {
            var codes = categories.Of(item);
            counted += codes.IsEmpty ? 0 : 1;
            foreach (var code in codes)
                shares[code] += 1.0 / codes.Length;
        }

        return counted == 0 ? null : Array.ConvertAll(shares, share => share / counted);
    }

    private static double[] Each(RecommendedLists lists, Func<int, double> of)
    {
        var values = new double[lists.Count];
        Parallel.For(0, values.Length, q => values[q] = of(q));
        return values;
    }
}
