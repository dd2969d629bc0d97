using ScottPlot;

namespace RecoServe.Trainer.Tradeoff;

/// <summary>The curve and the trained points as PNG.</summary>
internal static class TradeoffPlot
{
    private const int Width = 800;
    private const int Height = 520;

    /// <summary>Draws.</summary>
    /// <param name="curve">One model, its premium logits shifted.</param>
    /// <param name="trained">Models trained with rewards.</param>
    /// <param name="length">N.</param>
    public static byte[] Draw(IReadOnlyList<TradeoffPoint> curve, IReadOnlyList<TradeoffPoint> trained, int length)
    {
        using var plot = new Plot();
        var line = plot.Add.Scatter(curve.Select(p => 100 * p.PremiumShare).ToArray(), curve.Select(p => p.Recall).ToArray());
        (line.LegendText, line.LineWidth, line.MarkerSize) = ("one model, ln ρ added to premium logits", 2, 6);
        foreach (var point in curve)
        {
            var label = plot.Add.Text(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"ρ {point.Reward:0.##}"), 100 * point.PremiumShare, point.Recall);
            (label.LabelFontSize, label.OffsetX, label.OffsetY) = (11, 6, -16);
        }

        if (trained.Count > 0)
        {
            var points = plot.Add.ScatterPoints(trained.Select(p => 100 * p.PremiumShare).ToArray(), trained.Select(p => p.Recall).ToArray());
            (points.LegendText, points.MarkerSize, points.MarkerShape) = ("trained with reward ρ", 12, MarkerShape.OpenCircle);
        }

        plot.Title($"What premium costs: lists of {length}");
        plot.XLabel("premium items in the lists, %");
        plot.YLabel($"Recall@{length}");
        plot.Axes.SetLimitsY(0, 1.1 * curve.Concat(trained).Max(p => p.Recall));
        plot.ShowLegend(Alignment.LowerLeft);
        return plot.GetImageBytes(Width, Height, ImageFormat.Png);
    }
}
