using ScottPlot;
using ScottPlot.TickGenerators;

namespace RecoServe.Trainer.Reports;

/// <summary>Curves of a training over its epochs, as PNG.</summary>
internal static class EpochPlot
{
    private const int Width = 800;
    private const int Height = 420;

    /// <summary>The plots of a run by file name; only those whose columns have values.</summary>
    public static IReadOnlyList<(string File, string Title, byte[] Png)> All(EpochTable epochs)
    {
        (string File, string Title, string[] Columns)[] plots =
        [
            ("loss.png", "Loss, nats", ["loss"]),
            ("validation.png", "Validation", ["val_ndcg10", "val_hr10"]),
            ("learning_rate.png", "Learning rate", ["learning_rate"]),
        ];
        return [.. plots
            .Select(plot => (plot.File, plot.Title, Curves: plot.Columns.Select(name => (Name: name, Points: epochs.Column(name))).Where(c => c.Points.Epochs.Length > 0).ToArray()))
            .Where(plot => plot.Curves.Length > 0)
            .Select(plot => (plot.File, plot.Title, Draw(plot.Title, plot.Curves)))];
    }

    private static byte[] Draw(string title, (string Name, (double[] Epochs, double[] Values) Points)[] curves)
    {
        using var plot = new Plot();
        foreach (var (name, points) in curves)
        {
            var curve = plot.Add.Scatter(points.Epochs, points.Values);
            (curve.LegendText, curve.LineWidth, curve.MarkerSize) = (NameOf(name), 2, points.Epochs.Length > 60 ? 0 : 5);
        }

        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        plot.Title(title);
        plot.XLabel("epoch");
        if (curves.Length > 1)
            plot.ShowLegend(Edge.Bottom);
        return plot.GetImageBytes(Width, Height, ImageFormat.Png);
    }

    private static string NameOf(string column) => column switch
    {
        "val_ndcg10" => "NDCG@10",
        "val_hr10" => "HR@10",
        _ => column,
    };
}
