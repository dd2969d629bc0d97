using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>Time ÷ exponential sum of every kind of row and N at p = 0.9, the peers beside the sampler.</summary>
internal static class SamplerPlot
{
    private static readonly (string Method, string Label)[] Methods =
    [
        (nameof(PeerBenchmark.FindAndDraw), "nucleus sampler, 10 draws"),
        (nameof(PeerBenchmark.SoftMax), "SoftMax alone"),
        (nameof(PeerBenchmark.SoftMaxAndSelect), "SoftMax + quickselect, no draw"),
        (nameof(PeerBenchmark.SoftMaxAndSort), "SoftMax + Array.Sort, no draw"),
    ];

    /// <summary>Writes an SVG.</summary>
    internal static void Save(string path, IReadOnlyList<MeasuredCase> nuclei, IEnumerable<MeasuredCase> peers)
    {
        using var plot = new Plot();
        var rows = SamplerTables.Ordered(peers).ToArray();
        var heights = rows.Select((_, i) => -(double)(i + (i / RowKinds.All.Count()))).ToArray(); // downwards, with a gap after every N
        foreach (var (method, label) in Methods)
        {
            var points = plot.Add.ScatterPoints(rows.Select(p => Math.Log10(OverExpSum(p, method, nuclei))).ToArray(), heights);
            (points.LegendText, points.MarkerSize) = (label, 8);
        }

        plot.Axes.Left.TickGenerator = new NumericManual(heights, [.. rows.Select(p => $"{p.Parameter<int>("Items"):N0}  {p.Parameter<string>("Row")}")]);
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic
        {
            MinorTickGenerator = new LogMinorTickGenerator(),
            IntegerTicksOnly = true,
            LabelFormatter = exponent => Math.Pow(10, exponent).ToString("N0", CultureInfo.InvariantCulture),
        };
        plot.XLabel("time ÷ one vectorised pass of exp and sum, p = 0.9");
        plot.Axes.SetLimitsX(0, 3.5);
        plot.ShowLegend(Edge.Bottom);
        plot.SaveSvg(path, 900, 750);
    }

    /// <summary>By way of the sampler, which is measured beside both.</summary>
    private static double OverExpSum(MeasuredCase peer, string method, IReadOnlyList<MeasuredCase> nuclei)
    {
        var nucleus = nuclei.Single(n => n.Parameter<int>("Items") == peer.Parameter<int>("Items")
            && n.Parameter<string>("Row") == peer.Parameter<string>("Row") && n.Parameter<double>("TopP") == 0.9);
        return peer.Ratio(method, nameof(PeerBenchmark.FindAndDraw)) * nucleus.Ratio(nameof(NucleusBenchmark.FindAndDraw), nameof(NucleusBenchmark.ExpSum));
    }
}
