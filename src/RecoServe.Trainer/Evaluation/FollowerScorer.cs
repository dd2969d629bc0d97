namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// Scores item b by Σ_{j=1…window} w(h_{t+1−j}, b) / j + 1e-9 · pop(b): how strongly b follows the last watches.
/// MARKOV1 has window 1 and w = C, the count of transitions; COOC10 has window 10 and w = C / √pop(b).
/// </summary>
/// <remarks>The popularity term orders the items that never followed; it is too small to change any other order.</remarks>
internal sealed class FollowerScorer : IItemScorer
{
    private const double PopularityWeight = 1e-9;

    private readonly FollowerMatrix _followers;
    private readonly int _window;
    private readonly double[] _floor;

    private FollowerScorer(EvaluationSplit split, int window, Func<int, double> scale)
    {
        var counts = split.CountTrainingItems();
        (_followers, _window) = (FollowerMatrix.Count(split, window, [.. counts.Select(scale)]), window);
        _floor = [.. counts.Select(count => PopularityWeight * count)];
        MaxBatch = Baselines.BatchFor(split.Log.Catalogue.Count);
    }

    /// <inheritdoc/>
    public int MaxBatch { get; }

    /// <summary>First-order Markov chain: what came right after the last watch, by count.</summary>
    public static FollowerScorer Markov1(EvaluationSplit split) => new(split, window: 1, scale: _ => 1);

    /// <summary>Co-occurrence within ten places, discounted by distance, popularity and age.</summary>
    public static FollowerScorer Cooccurrence10(EvaluationSplit split) =>
        new(split, window: 10, scale: count => 1 / Math.Sqrt(Math.Max(1, count)));

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<Question> questions, Span<double> scores)
    {
        for (var row = 0; row < questions.Length; row++)
            Score(questions[row].History.Span, scores.Slice(row * _floor.Length, _floor.Length));
    }

    private void Score(ReadOnlySpan<int> history, Span<double> scores)
    {
        _floor.CopyTo(scores);
        for (var j = 1; j <= Math.Min(_window, history.Length); j++)
        {
            var last = history[^j];
            var weights = _followers.WeightsOf(last);
            var followers = _followers.FollowersOf(last);
            var share = 1.0 / j;
            for (var f = 0; f < followers.Length; f++)
                scores[followers[f]] += weights[f] * share;
        }
    }
}
