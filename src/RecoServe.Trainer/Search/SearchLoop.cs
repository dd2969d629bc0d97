namespace RecoServe.Trainer.Search;

/// <summary>
/// Random search (Bergstra and Bengio, JMLR 2012), or successive halving (Jamieson and Talwalkar, AISTATS 2016): all trials
/// train for a few epochs, the best share of them goes on to η times as many, until one is left or the epochs are used up.
/// </summary>
/// <param name="rungs">Epochs after which the trials of a rung are compared, ascending; null: as fit decides. At least one.</param>
/// <param name="eta">1/η of a rung's trials goes on to the next, rounded up; 2 or more.</param>
/// <param name="results">Finished rungs are not run again.</param>
/// <param name="train">Trains a trial until so many epochs are learned, going on where it stopped.</param>
internal sealed class SearchLoop(
    IReadOnlyList<int?> rungs, int eta, SearchResults results, Func<Trial, int, int?, CancellationToken, Task<TrialResult>> train)
{
    /// <summary>The rungs of a halving: η times the epochs each, the last with all.</summary>
    public static IReadOnlyList<int?> Halving(int trials, int minEpochs, int maxEpochs, int eta)
    {
        List<int?> rungs = [];
        var epochs = (long)minEpochs;
        for (; epochs < maxEpochs && trials > 1; epochs *= eta)
        {
            rungs.Add((int)epochs);
            trials = (trials + eta - 1) / eta;
        }

        return [.. rungs, trials > 1 || rungs.Count == 0 ? maxEpochs : (int)Math.Min(epochs, maxEpochs)];
    }

    /// <summary>Runs what is not done yet.</summary>
    /// <returns>The best result of the last rung of which any trial has a score; null if every trial failed.</returns>
    public async Task<TrialResult?> RunAsync(IReadOnlyList<Trial> trials, CancellationToken cancellationToken)
    {
        var alive = trials;
        TrialResult? best = null;
        for (var rung = 1; rung <= rungs.Count && alive.Count > 0; rung++)
        {
            List<TrialResult> ended = [];
            foreach (var trial in alive)
            {
                var result = results.Find(trial, rung);
                if (result is null)
                {
                    result = await train(trial, rung, rungs[rung - 1], cancellationToken);
                    results.Append(result);
                }

                ended.Add(result);
            }

            var ranked = ended.Where(r => !double.IsNaN(r.Ndcg)).OrderByDescending(r => r.Ndcg).ThenBy(r => r.Trial.Number).ToList();
            best = ranked.FirstOrDefault() ?? best;
            alive = [.. ranked.Take((ended.Count + eta - 1) / eta).Select(r => r.Trial)];
        }

        return best;
    }
}
