namespace RecoServe.Engine.Batching;

/// <summary>
/// How long a batch takes, learned as batches run: fixed + a row + a padded cell. Least squares of the relative error with
/// forgetting, no coefficient below zero; what was measured before the version served is never forgotten altogether, so that
/// traffic of one length does not take away what a cell costs.
/// </summary>
/// <remarks>A machine that others use slows every batch alike: a common pace follows that within a few batches. Thread-safe.</remarks>
internal sealed class BatchCost
{
    private const int Terms = 3;
    private const double Forgetting = 0.98;
    private const double PaceWeight = 0.15;
    private const double PriorWeight = 0.25;

    private readonly Lock _lock = new();
    private readonly double[,] _squares = new double[Terms, Terms];
    private readonly double[] _sums = new double[Terms];
    private readonly double[,] _priorSquares = new double[Terms, Terms];
    private readonly double[] _priorSums = new double[Terms];
    private volatile Coefficients _coefficients = new(0, 0, 0, 1);

    /// <summary>Takes a measurement made before the version serves.</summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="length">Cells of its longest row.</param>
    /// <param name="elapsed">What it took.</param>
    internal void Calibrate(int rows, int length, TimeSpan elapsed)
    {
        lock (_lock)
        {
            Accumulate(_priorSquares, _priorSums, rows, length, elapsed, keep: 1);
            _coefficients = Solve(_coefficients.Pace);
        }
    }

    /// <summary>Takes what a batch took.</summary>
    /// <inheritdoc cref="Calibrate"/>
    internal void Learn(int rows, int length, TimeSpan elapsed)
    {
        if (elapsed <= TimeSpan.Zero)
            return;
        lock (_lock)
        {
            var expected = _coefficients with { Pace = 1 };
            var ratio = expected.Of(rows, length) is > 0 and var seconds ? Math.Clamp(elapsed.TotalSeconds / seconds, 0.1, 10) : 1;
            Accumulate(_squares, _sums, rows, length, elapsed, Forgetting);
            _coefficients = Solve(_coefficients.Pace + (PaceWeight * (ratio - _coefficients.Pace)));
        }
    }

    /// <summary>What a batch is expected to take; zero while nothing has been measured.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="length">The cells of its longest row, to which all are padded.</param>
    internal TimeSpan Of(double rows, double length) => TimeSpan.FromSeconds(_coefficients.Of(rows, length));

    private static void Accumulate(double[,] squares, double[] sums, int rows, int length, TimeSpan elapsed, double keep)
    {
        // Relative errors: a measurement counts by its share, and a stall next to nothing.
        var scale = 1 / Math.Max(elapsed.TotalSeconds, 1e-9);
        Span<double> terms = [scale, rows * scale, (double)rows * length * scale];
        for (var i = 0; i < Terms; i++)
        {
            sums[i] = (sums[i] * keep) + terms[i];
            for (var j = 0; j < Terms; j++)
                squares[i, j] = (squares[i, j] * keep) + (terms[i] * terms[j]);
        }
    }

    /// <summary>Least squares without negative coefficients: what comes out below zero is left out.</summary>
    private Coefficients Solve(double pace)
    {
        Span<double> solution = stackalloc double[Terms];
        var used = (1 << Terms) - 1;
        while (used != 0)
        {
            Solve(used, solution);
            var negative = 0;
            for (var i = 0; i < Terms; i++)
                negative |= solution[i] < 0 ? 1 << i : 0;
            if (negative == 0)
                break;
            used &= ~negative;
        }

        return new Coefficients(solution[0], solution[1], solution[2], pace);
    }

    /// <summary>Gauss elimination over the terms in use; a slight ridge keeps terms apart that always come together.</summary>
    private void Solve(int used, Span<double> solution)
    {
        Span<double> matrix = stackalloc double[Terms * (Terms + 1)];
        for (var i = 0; i < Terms; i++)
        {
            var row = matrix.Slice(i * (Terms + 1), Terms + 1);
            for (var j = 0; j < Terms; j++)
                row[j] = (used >> i & used >> j & 1) == 1 ? _squares[i, j] + (PriorWeight * _priorSquares[i, j]) : 0;
            row[i] = (used >> i & 1) == 1 ? (row[i] * (1 + 1e-9)) + double.Epsilon : 1;
            row[Terms] = (used >> i & 1) == 1 ? _sums[i] + (PriorWeight * _priorSums[i]) : 0;
        }

        for (var pivot = 0; pivot < Terms; pivot++)
        {
            var row = matrix.Slice(pivot * (Terms + 1), Terms + 1);
            for (var i = 0; i < Terms; i++)
            {
                var factor = matrix[(i * (Terms + 1)) + pivot] / row[pivot];
                for (var j = pivot; i != pivot && j <= Terms; j++)
                    matrix[(i * (Terms + 1)) + j] -= factor * row[j];
            }
        }

        for (var i = 0; i < Terms; i++)
            solution[i] = matrix[(i * (Terms + 1)) + Terms] / matrix[(i * (Terms + 1)) + i];
    }

    /// <summary>Seconds.</summary>
    private sealed record Coefficients(double Fixed, double Row, double Cell, double Pace)
    {
        internal double Of(double rows, double length) => Pace * (Fixed + (Row * rows) + (Cell * rows * length));
    }
}
