using System.CommandLine;
using RecoServe.Trainer.Commands;

namespace RecoServe.Trainer.Tests.Commands;

/// <summary>A temporary folder in which commands are run, and what they have written.</summary>
public abstract class CommandFixture : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("command").FullName;

    private protected StringWriter Output { get; } = new();

    private protected StringWriter Error { get; } = new();

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        Output.Dispose();
        Error.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected string In(string file) => Path.Combine(_folder, file);

    /// <summary>A small log in the folder <c>log</c>.</summary>
    private protected async Task SimulateAsync() =>
        Assert.Equal(0, await RunAsync($"simulate --out {In("log")} --users 200 --videos 200 --days 7 --format csv"));

    private protected Task<int> RunAsync(string arguments) => RunAsync(arguments.Split(' '));

    private protected Task<int> RunAsync(string[] arguments) => CommandRunner.RunAsync(
        new RootCommand
        {
            SimulateCommand.Create(), FitCommand.Create(), SearchCommand.Create(), EvaluateCommand.Create(), OffPolicyCommand.Create(), ExplainCommand.Create(), ExportCommand.Create(), TradeoffCommand.Create(),
        },
        arguments, Output, Error);
}
