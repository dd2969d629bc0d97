using System.Globalization;
using Spectre.Console;

namespace RecoServe.Trainer.Training;

/// <summary>Shows a training on the error stream: a line an epoch, and below it a live bar if a person is watching.</summary>
internal sealed class FitConsole : IFitProgress
{
    private readonly Action<string> _writeLine;
    private readonly ProgressTask? _bar;

    private FitConsole(Action<string> writeLine, ProgressTask? bar) => (_writeLine, _bar) = (writeLine, bar);

    /// <summary>Runs a training that reports here.</summary>
    public static FitResult Show(TextWriter error, Func<IFitProgress, FitResult> train)
    {
        if (!ReferenceEquals(error, Console.Error) || Console.IsErrorRedirected)
            return train(new FitConsole(error.WriteLine, null));
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(error) });
        return console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => train(new FitConsole(console.WriteLine, context.AddTask("reading"))));
    }

    /// <inheritdoc/>
    public void Learned(FitState state, int steps)
    {
        if (_bar is null)
            return;
        _bar.MaxValue = steps;
        _bar.Value = state.EpochSteps;
        _bar.Description = string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {state.Epoch}  loss {state.Sums.MeanOf(state.Sums.Loss):F3}  {state.Sums.Rows / Math.Max(state.Sums.Seconds, 1e-9):N0} positions/s");
    }

    /// <inheritdoc/>
    public void Ended(EpochReport report)
    {
        var validation = report.Validation is { } score
            ? string.Create(CultureInfo.InvariantCulture, $"  validation HR@10 {score.HitRate:F4}  NDCG@10 {score.Ndcg:F4}{(report.IsBest ? " *" : "")}")
            : "";
        if (report.HeldOutPropensityLoss is { } loss)
            validation += string.Create(CultureInfo.InvariantCulture, $"  validation propensity loss {loss:F4}");
        _writeLine(string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {report.Epoch,3}  loss {report.Loss:F4}{validation}{Diagnostics(report.Sums)}  {report.Sums.Seconds:F1} s  {report.PositionsPerSecond:N0} positions/s"));
    }

    private static string Diagnostics(EpochSums sums)
    {
        var weights = sums.Weights.Count == 0 ? "" : string.Create(
            CultureInfo.InvariantCulture,
            $"  weights: mean {sums.Weights.Mean:G4}, effective {sums.Weights.EffectiveShare:P1} of rows, max {sums.Weights.Max:G4}, estimated reward {sums.Weights.EstimatedReward:G4}");
        var propensity = sums.PropensityLoss == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  propensity loss {sums.MeanOf(sums.PropensityLoss):F4}");
        var category = sums.CategoryLoss == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"  category loss {sums.MeanOf(sums.CategoryLoss):F4}");
        return weights + propensity + category;
    }
}
