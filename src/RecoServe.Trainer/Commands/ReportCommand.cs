using System.CommandLine;
using RecoServe.Trainer.Reports;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain report</c>: writes a run's report again, or that of a run which has not ended.</summary>
internal static class ReportCommand
{
    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var run = new Option<string>("--run") { Description = "A run's folder", HelpName = "DIR", Required = true };
        var command = new Command("report", "Write report.html, plots and metrics.parquet into a run's folder; fit does it at its end") { run };
        command.SetAction(result =>
        {
            result.InvocationConfiguration.Output.WriteLine(RunReport.Write(RunFolder.Open(result.GetRequiredValue(run))));
            return 0;
        });
        return command;
    }
}
