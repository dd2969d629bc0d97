namespace RecoServe.Trainer.Evaluation;

/// <summary>POP: an item's score is its count in the training events, for everyone.</summary>
internal sealed class PopularityScorer(EvaluationSplit split) : IItemScorer
{
    private readonly double[] _counts = [.. split.CountTrainingItems().Select(count => (double)count)];

    /// <inheritdoc/>
    public int MaxBatch { get; } = Baselines.BatchFor(split.Log.Catalogue.Count);

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
    {
        for (var row = 0; row < questions.Length; row++)
            _counts.CopyTo(scores[(row * _counts.Length)..]);
    }
}
