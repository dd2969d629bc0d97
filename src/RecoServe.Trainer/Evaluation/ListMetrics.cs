namespace RecoServe.Trainer.Evaluation;

/// <summary>The metrics of recommended lists beside accuracy. K is the length of the lists.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>coverage@K = items that stand in some list, divided by the catalogue's N (no padding item counts).</item>
/// <item>gini@K = Σ_i (2i − N − 1) x_(i) / (N Σ x) with x_(1) ≤ … ≤ x_(N) the appearances of all N items in lists, never shown
/// ones included: 0 all alike, (N − 1) / N one item only. Divided by N, not N − 1.</item>
/// <item>MIUF@K = mean over the list of −log2(users of the item / users), by training events; an item without training
/// counts as one with one user.</item>
/// <item>cold_share@K = share of the list that has fewer than <see cref="RankingOptions.ColdBelow"/> training events;
/// cold_base_rate the same of the relevant items; cold_HR@K = HR@K of the cold relevant items alone.</item>
/// <item>Of the attributes category, language and premium, where items have them: see <see cref="AttributeMetrics"/>.</item>
/// </list>
/// </remarks>
internal static class ListMetrics
{
    /// <summary>All metrics.</summary>
    /// <param name="split">The training events and the items.</param>
    /// <param name="questions">The questions, in the order of <paramref name="lists"/>.</param>
    /// <param name="lists">What was recommended.</param>
    /// <param name="ranks">The ranks of the questions' items, one question's after another's.</param>
    /// <param name="options">What is cold.</param>
    public static IEnumerable<Metric> Of(
        EvaluationSplit split, IReadOnlyList<HeldOut> questions, RecommendedLists lists, double[] ranks, RankingOptions options)
    {
        var k = lists.Length;
        var catalogue = split.Log.Catalogue;
        var shown = Appearances(lists, catalogue.Count);
        yield return new Metric($"coverage@{k}", (double)shown.Count(count => count > 0) / catalogue.Count, null);
        yield return new Metric($"gini@{k}", Gini(shown), null);
        var novelty = Novelty(split);
        yield return Metric.MeanOf($"MIUF@{k}", ListMeans(lists, item => novelty[item]));

        var counts = split.CountTrainingItems();
        bool IsCold(int item) => counts[item] < options.ColdBelow;
        yield return Metric.MeanOf($"cold_share@{k}", ListMeans(lists, item => IsCold(item) ? 1 : 0));
        yield return Metric.MeanOf("cold_base_rate", [.. questions.Select(q => q.Items.ToArray().Average(item => IsCold(item) ? 1.0 : 0))]);
        yield return Metric.MeanOf($"cold_HR@{k}", ColdHits(questions, ranks, k, IsCold));
        foreach (var metric in AttributeMetrics.Of(split.Log, questions, lists))
            yield return metric;
    }

    /// <summary>The Gini index of counts; 0 if all are 0.</summary>
    internal static double Gini(int[] counts)
    {
        var sorted = counts.Order().ToArray();
        var (sum, weighted) = (0.0, 0.0);
        for (var i = 0; i < sorted.Length; i++)
            (sum, weighted) = (sum + sorted[i], weighted + (((2.0 * (i + 1)) - sorted.Length - 1) * sorted[i]));
        return sum == 0 ? 0 : weighted / (sorted.Length * sum);
    }

    /// <summary>The mean of a number over each list; NaN for an empty list.</summary>
    internal static double[] ListMeans(RecommendedLists lists, Func<int, double> of)
    {
        var means = new double[lists.Count];
        for (var q = 0; q < means.Length; q++)
        {
            var sum = 0.0;
            foreach (var item in lists.Of(q))
                sum += of(item);
            means[q] = sum / lists.Of(q).Length;
        }

        return means;
    }

    private static int[] Appearances(RecommendedLists lists, int itemCount)
    {
        var shown = new int[itemCount];
        for (var q = 0; q < lists.Count; q++)
        {
            foreach (var item in lists.Of(q))
                shown[item - 1]++;
        }

        return shown;
    }

    private static double[] Novelty(EvaluationSplit split)
    {
        var watchers = new int[split.Log.Catalogue.Count + 1];
        var users = 0;
        for (var user = 0; user < split.Log.UserCount; user++)
        {
            users += split.TrainingLengthOf(user) > 0 ? 1 : 0;
            foreach (var item in split.TrainingItemsOf(user).ToArray().Distinct())
                watchers[item]++;
        }

        return Array.ConvertAll(watchers, count => -Math.Log2((double)Math.Max(1, count) / Math.Max(1, users)));
    }

    private static double[] ColdHits(IReadOnlyList<HeldOut> questions, double[] ranks, int k, Func<int, bool> isCold)
    {
        var hits = new double[questions.Count];
        var r = 0;
        for (var q = 0; q < hits.Length; q++)
        {
            var (found, cold) = (0, 0);
            foreach (var item in questions[q].Items.Span)
            {
                var rank = ranks[r++];
                if (isCold(item))
                    (found, cold) = (found + (rank <= k ? 1 : 0), cold + 1);
            }

            hits[q] = (double)found / cold;
        }

        return hits;
    }
}
