using System.Numerics.Tensors;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// Percentile intervals of means by the bootstrap (Efron 1979): users are drawn with replacement, each with all its questions,
/// as one user's questions are not independent. Equal seeds give equal intervals; all metrics see the same draws.
/// </summary>
internal sealed class Bootstrap
{
    private readonly int[] _userOf;
    private readonly int _users;
    private readonly int _resamples;
    private readonly int _seed;

    /// <param name="users">The user of each question, those of one user beside each other.</param>
    /// <param name="resamples">Number of draws, 1 or more.</param>
    /// <param name="seed">Seed of the draws.</param>
    public Bootstrap(IReadOnlyList<int> users, int resamples, int seed)
    {
        (_userOf, _resamples, _seed) = (new int[users.Count], resamples, seed);
        for (var q = 0; q < users.Count; q++)
            _userOf[q] = q == 0 ? 0 : _userOf[q - 1] + (users[q] == users[q - 1] ? 0 : 1);
        _users = users.Count == 0 ? 0 : _userOf[^1] + 1;
    }

    /// <summary>Number of users.</summary>
    public int Users => _users;

    /// <summary>The 95 % interval of each mean.</summary>
    /// <param name="values">For each mean the value of every question, NaN where there is none.</param>
    /// <returns>In the same order; NaN where no question has a value.</returns>
    public (double Low, double High)[] Intervals(IReadOnlyList<double[]> values) => Array.ConvertAll(Means(values), Interval);

    /// <summary>The 95 % interval of draws, NaN among which do not count.</summary>
    /// <param name="draws">A mean, or what is made of some, in every draw.</param>
    public static (double Low, double High) Interval(double[] draws) => (Quantile(draws, 0.025), Quantile(draws, 0.975));

    /// <summary>Each mean in every draw.</summary>
    /// <inheritdoc cref="Intervals"/>
    /// <returns>In the same order; NaN in draws in which nobody has a value.</returns>
    public double[][] Means(IReadOnlyList<double[]> values)
    {
        var totals = values.Select(Totals).ToArray();
        var means = values.Select(_ => new double[_resamples]).ToArray();
        var random = new Random(_seed);
        var drawn = new double[_users];
        for (var r = 0; r < _resamples; r++)
        {
            Array.Clear(drawn);
            for (var u = 0; u < _users; u++)
                drawn[random.Next(_users)]++;
            for (var m = 0; m < totals.Length; m++)
                means[m][r] = TensorPrimitives.Dot<double>(drawn, totals[m].Sums) / TensorPrimitives.Dot<double>(drawn, totals[m].Counts);
        }

        return means;
    }

    /// <summary>Each user's sum and number of values.</summary>
    public (double[] Sums, double[] Counts) Totals(double[] values)
    {
        var (sums, counts) = (new double[_users], new double[_users]);
        for (var q = 0; q < values.Length; q++)
        {
            if (!double.IsNaN(values[q]))
                (sums[_userOf[q]], counts[_userOf[q]]) = (sums[_userOf[q]] + values[q], counts[_userOf[q]] + 1);
        }

        return (sums, counts);
    }

    /// <summary>Linear between the neighbours.</summary>
    private static double Quantile(double[] means, double p)
    {
        var sorted = means.Where(m => !double.IsNaN(m)).Order().ToArray();
        if (sorted.Length == 0)
            return double.NaN;
        var at = p * (sorted.Length - 1);
        var low = (int)at;
        return sorted[low] + ((at - low) * (sorted[Math.Min(low + 1, sorted.Length - 1)] - sorted[low]));
    }
}
