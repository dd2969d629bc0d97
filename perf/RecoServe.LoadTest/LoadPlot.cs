using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace RecoServe.LoadTest;

/// <summary>Latency and goodput against the load.</summary>
internal static class LoadPlot
{
    private static readonly double[] Percentiles = [50, 99, 99.9];

    /// <summary>Writes an SVG.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sweep">Runs by their load in multiples of the saturated throughput.</param>
    internal static void Save(string path, IEnumerable<(double Load, ScenarioRun Run)> sweep)
    {
        using var plot = new Plot();
        var points = sweep.OrderBy(p => p.Load).ToArray();
        var loads = points.Select(p => p.Load).ToArray();
        foreach (var percentile in Percentiles)
        {
            var line = plot.Add.Scatter(loads, [.. points.Select(p => Math.Log10(Math.Max(p.Run.Result.Latency(percentile).TotalMilliseconds, 1e-3)))]);
            line.LegendText = string.Create(CultureInfo.InvariantCulture, $"p{percentile}");
        }

        var goodput = plot.Add.Scatter(loads, [.. points.Select(p => p.Run.Result.Goodput)]);
        (goodput.LegendText, goodput.MarkerShape) = ("answers in time, right axis", MarkerShape.OpenSquare);
        goodput.Axes.YAxis = plot.Axes.Right;
        plot.Axes.Left.TickGenerator = new NumericAutomatic
        {
            MinorTickGenerator = new LogMinorTickGenerator(),
            IntegerTicksOnly = true,
            LabelFormatter = exponent => Math.Pow(10, exponent).ToString("0.###", CultureInfo.InvariantCulture),
        };
        plot.Axes.Left.Label.Text = "latency from the intended start, ms";
        plot.Axes.Right.Label.Text = "answers in time, 1/s";
        plot.Axes.Right.Min = 0;
        plot.XLabel("offered calls ÷ saturated throughput");
        plot.ShowLegend(Edge.Bottom);
        plot.SaveSvg(path, 900, 600);
    }
}
