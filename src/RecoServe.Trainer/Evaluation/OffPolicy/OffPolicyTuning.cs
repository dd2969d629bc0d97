using System.Numerics.Tensors;

namespace RecoServe.Trainer.Evaluation.OffPolicy;

/// <summary>Chooses an estimator's parameter from the rounds that it will be used on: less bias costs more variance.</summary>
internal static class OffPolicyTuning
{
    /// <summary>The standard normal distribution's .9 quantile: intervals of SLOPE are one-sided, of 90 %.</summary>
    private const double Quantile = 1.2815515655446004;

    /// <summary>The bound of a bias fails with this probability.</summary>
    private const double Delta = 0.05;

    /// <summary>What is tried unless a user says otherwise: caps and thresholds of weights.</summary>
    public static IReadOnlyList<double> Weights { get; } = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

    /// <summary>
    /// SLOPE (Su, Srinath and Krishnamurthy, ICML 2020): from the widest interval to the narrowest, the last parameter whose interval agrees with all
    /// before it. Intervals are wide where bias is small, so that the first that disagrees is the first whose bias shows.
    /// </summary>
    /// <param name="rounds">At least two.</param>
    /// <param name="parameters">At least one.</param>
    /// <param name="family">An estimator that is not self-normalised.</param>
    public static double BySlope(IReadOnlyList<LoggedRound> rounds, IReadOnlyList<double> parameters, Func<double, OffPolicyEstimator> family)
    {
        var share = Math.Sqrt(6) - 1;
        List<(double Parameter, double Mean, double Width)> agreed = [];
        foreach (var next in parameters.Select(p => IntervalOf(p, family(p).ValuesOf(rounds))).OrderByDescending(i => i.Width))
        {
            if (!agreed.TrueForAll(before => Math.Abs(before.Mean - next.Mean) <= next.Width + (share * before.Width)))
                break;
            agreed.Add(next);
        }

        return agreed[^1].Parameter;
    }

    /// <summary>The parameter with the least estimated squared error: variance, and the square of a bound of the bias (Su et al., ICML 2020, on shrinkage).</summary>
    /// <inheritdoc cref="BySlope"/>
    public static double BySquaredError(IReadOnlyList<LoggedRound> rounds, IReadOnlyList<double> parameters, Func<double, OffPolicyEstimator> family)
    {
        double[] weights = [.. rounds.Select(r => r.Weight)];
        var (count, log) = (weights.Length, Math.Log(2 / Delta));
        var slack = Math.Sqrt(2 * TensorPrimitives.SumOfSquares<double>(weights) / count * log / count) + (2 * weights.Max() * log / (3 * count));
        return parameters.MinBy(p => (Variance(family(p).ValuesOf(rounds)) / count) + Square(Math.Abs(family(p).LossesOf(rounds).Average()) + slack));
    }

    private static (double Parameter, double Mean, double Width) IntervalOf(double parameter, double[] values) =>
        (parameter, values.Average(), Quantile * Math.Sqrt(Variance(values) / (values.Length - 1)));

    private static double Variance(double[] values)
    {
        var mean = values.Average();
        return values.Sum(v => Square(v - mean)) / values.Length;
    }

    private static double Square(double x) => x * x;
}
