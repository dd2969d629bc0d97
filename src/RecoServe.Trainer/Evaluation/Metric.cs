namespace RecoServe.Trainer.Evaluation;

/// <summary>A measured metric.</summary>
/// <param name="Name">With its cutoff, for example <c>NDCG@10</c>.</param>
/// <param name="Value">The mean over the questions that have a value; 0 if none has.</param>
/// <param name="PerQuestion">Each question's value, NaN where the metric says nothing of it; null for a metric of all lists at once.</param>
internal sealed record Metric(string Name, double Value, double[]? PerQuestion)
{
    /// <summary>A metric that is the mean of its questions.</summary>
    public static Metric MeanOf(string name, double[] perQuestion)
    {
        var (sum, count) = (0.0, 0);
        foreach (var value in perQuestion)
        {
            if (!double.IsNaN(value))
                (sum, count) = (sum + value, count + 1);
        }

        return new Metric(name, count == 0 ? 0 : sum / count, perQuestion);
    }
}
