using System.CommandLine;
using RecoServe.Trainer.Commands;

return await CommandRunner.RunAsync(
    new RootCommand("Trains next-watch recommenders from logged feedback, evaluates and exports them.")
    {
        SimulateCommand.Create(),
        FitCommand.Create(),
        SearchCommand.Create(),
        EvaluateCommand.Create(),
        OffPolicyCommand.Create(),
        ExplainCommand.Create(),
        ReportCommand.Create(),
        ExportCommand.Create(),
        PublishCommand.Create(),
        TradeoffCommand.Create(),
    },
    args);
