namespace RecoServe.Trainer.Evaluation;

/// <summary>What one metric says of two scorers that answered the same questions.</summary>
/// <param name="Name">The metric.</param>
/// <param name="First">The first scorer's value.</param>
/// <param name="Second">The second's.</param>
/// <param name="Difference">Mean over the questions of the first's value minus the second's.</param>
/// <param name="Low">Lower end of its 95 % interval; NaN without resamples, and for metrics of all lists at once.</param>
/// <param name="High">Upper end.</param>
/// <param name="Wins">Users for whom the first is better by the metric, that is greater.</param>
/// <param name="Losses">Users for whom it is smaller.</param>
/// <param name="Ties">Users for whom they are equal.</param>
internal sealed record PairedComparison(
    string Name, double First, double Second, double Difference, double Low, double High, int Wins, int Losses, int Ties)
{
    /// <summary>Compares two reports question by question: far sharper than the two intervals side by side.</summary>
    /// <param name="first">One scorer's report.</param>
    /// <param name="second">Another's on the same questions.</param>
    /// <param name="resamples">Draws of the bootstrap; 0 for no intervals.</param>
    /// <param name="seed">Its seed.</param>
    /// <exception cref="ArgumentException">The questions differ.</exception>
    public static IReadOnlyList<PairedComparison> Of(RankingReport first, RankingReport second, int resamples, int seed)
    {
        if (!first.Questions.Select(q => (q.User, q.Position)).SequenceEqual(second.Questions.Select(q => (q.User, q.Position))))
            throw new ArgumentException("the reports are of different questions");
        var pairs = first.Measured.Zip(second.Measured).ToArray();
        var bootstrap = new Bootstrap(first.Users, Math.Max(1, resamples), seed);
        var differences = Array.ConvertAll(pairs, pair => Differences(pair.First, pair.Second));
        var intervals = resamples == 0 ? null : bootstrap.Intervals(differences);
        return [.. pairs.Select((pair, m) =>
        {
            var (sums, counts) = bootstrap.Totals(differences[m]);
            var (wins, losses) = (sums.Count(s => s > 0), sums.Count(s => s < 0));
            var (low, high) = intervals?[m] ?? (double.NaN, double.NaN);
            var difference = pair.First.PerQuestion is null ? pair.First.Value - pair.Second.Value : counts.Sum() == 0 ? 0 : sums.Sum() / counts.Sum();
            return new PairedComparison(
                pair.First.Name, pair.First.Value, pair.Second.Value, difference, low, high, wins, losses, counts.Count(c => c > 0) - wins - losses);
        })];
    }

    private static double[] Differences(Metric first, Metric second) => first.PerQuestion is null || second.PerQuestion is null
        ? []
        : [.. first.PerQuestion.Zip(second.PerQuestion, (a, b) => a - b)];
}
