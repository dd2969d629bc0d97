namespace RecoServe.Trainer.Tests.Simulation;

/// <summary>Pearson's statistic as a z-score (Wilson–Hilferty): about standard normal when the expectation holds.</summary>
internal static class ChiSquare
{
    public static double ZScore(IReadOnlyList<double> observed, IReadOnlyList<double> expected)
    {
        var statistic = observed.Zip(expected).Sum(pair => Math.Pow(pair.First - pair.Second, 2) / pair.Second);
        return ZScore(statistic, observed.Count - 1);
    }

    public static double ZScore(double statistic, int degrees)
    {
        var spread = 2.0 / (9 * degrees);
        return (Math.Cbrt(statistic / degrees) - 1 + spread) / Math.Sqrt(spread);
    }
}
