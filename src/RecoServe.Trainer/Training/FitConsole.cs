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
    public void Learned(FitState state, int batches)
    {
        if (_bar is null)
            return;
        _bar.MaxValue = batches;
        _bar.Value = state.Batches;
        _bar.Description = string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {state.Epoch}  loss {state.MeanLoss:F3}  {state.Positions / Math.Max(state.Seconds, 1e-9):N0} positions/s");
    }

    /// <inheritdoc/>
    public void Ended(EpochReport report)
    {
        var validation = report.Validation is { } score
            ? string.Create(CultureInfo.InvariantCulture, $"  validation HR@10 {score.HitRate:F4}  NDCG@10 {score.Ndcg:F4}{(report.IsBest ? " *" : "")}")
            : "";
        _writeLine(string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {report.Epoch,3}  loss {report.Loss:F4}{validation}  {report.Seconds:F1} s  {report.PositionsPerSecond:N0} positions/s"));
    }
}
