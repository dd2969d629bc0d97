namespace RecoServe.Trainer.Evaluation;

/// <summary>The scorers without weights that every network must beat, by name.</summary>
internal static class Baselines
{
    private const int ScoresPerBatch = 1 << 20;

    /// <summary>pop, markov1, cooc10.</summary>
    public static IReadOnlyDictionary<string, Func<EvaluationSplit, IItemScorer>> ByName { get; } =
        new SortedDictionary<string, Func<EvaluationSplit, IItemScorer>>(StringComparer.Ordinal)
        {
            ["cooc10"] = FollowerScorer.Cooccurrence10,
            ["markov1"] = FollowerScorer.Markov1,
            ["pop"] = split => new PopularityScorer(split),
        };

    /// <summary>Questions a call, so that the scores stay near 8 MB.</summary>
    internal static int BatchFor(int itemCount) => Math.Clamp(ScoresPerBatch / (itemCount + 1), 1, 64);
}
