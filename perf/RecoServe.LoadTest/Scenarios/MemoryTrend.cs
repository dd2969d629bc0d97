namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Whether memory grows with the number of calls: a straight line through the means of ten blocks of samples, the first tenth
/// left out as warm-up. Means, because neighbouring samples are alike and would count as more than they say.
/// </summary>
internal sealed class MemoryTrend
{
    private const int Blocks = 10;
    private const double Student = 2.306; // 95 % on both sides, 8 degrees of freedom
    private const double Page = 1; // of a million calls; a slope below a megabyte is nothing

    private readonly List<(double Millions, double Megabytes)> _samples = [];

    /// <summary>Megabytes for a million calls.</summary>
    internal double Slope => Fit().Slope;

    /// <summary>What the slope can be though nothing grows: 95 % of its uncertainty, or 1 MB if that is less.</summary>
    internal double Noise => Math.Max(Page, Student * Fit().Error);

    /// <summary>Adds a sample.</summary>
    internal void Add(long calls, long bytes) => _samples.Add((calls / 1e6, bytes / 1e6));

    private (double Slope, double Error) Fit()
    {
        var steady = _samples.Skip(_samples.Count / 10).ToArray();
        if (steady.Length < Blocks)
            return (double.NaN, double.NaN);
        var means = steady.Select((s, i) => (s, Block: i * Blocks / steady.Length)).GroupBy(s => s.Block)
            .Select(g => (X: g.Average(s => s.s.Millions), Y: g.Average(s => s.s.Megabytes))).ToArray();
        var (x, y) = (means.Average(m => m.X), means.Average(m => m.Y));
        var spread = means.Sum(m => (m.X - x) * (m.X - x));
        var slope = means.Sum(m => (m.X - x) * (m.Y - y)) / spread;
        var residual = means.Sum(m => Math.Pow(m.Y - y - (slope * (m.X - x)), 2));
        return (slope, Math.Sqrt(residual / (Blocks - 2) / spread));
    }
}
