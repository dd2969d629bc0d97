namespace RecoServe.Trainer.Evaluation.OffPolicy;

/// <summary>
/// The simplest model q̂ of rewards: an item's mean reward over the training displays, shrunk to that of all items:
/// (Σ r + k · mean) / (n + k).
/// </summary>
internal static class ItemRewards
{
    /// <summary>k: so many displays of the mean reward are added to those of every item.</summary>
    private const double Prior = 100;

    /// <summary>q̂ of every item, N + 1 numbers; the first is not read. Without training displays all are 0.</summary>
    /// <param name="split">Of a log with feedback.</param>
    public static double[] Of(EvaluationSplit split)
    {
        var (counts, sums) = (new double[split.Log.Catalogue.Count + 1], new double[split.Log.Catalogue.Count + 1]);
        for (var user = 0; user < split.Log.UserCount; user++)
        {
            var rows = split.Log.FeedbackOf(user, split.TrainingLengthOf(user))!;
            for (var row = 0; row < rows.Count; row++)
            {
                counts[rows.Items.Span[row]]++;
                sums[rows.Items.Span[row]] += rows.Rewards.Span[row];
            }
        }

        var mean = counts.Sum() is > 0 and var all ? sums.Sum() / all : 0;
        return [.. counts.Zip(sums, (count, sum) => (sum + (Prior * mean)) / (count + Prior))];
    }
}
