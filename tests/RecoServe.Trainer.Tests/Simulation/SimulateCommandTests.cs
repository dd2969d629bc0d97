using System.CommandLine;
using RecoServe.Trainer.Commands;

namespace RecoServe.Trainer.Tests.Simulation;

public sealed class SimulateCommandTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("simulated-");
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    private string Out => Path.Combine(_directory.FullName, "log");

    [Fact]
    public async Task Invoke_Small_WritesAndReports()
    {
        Assert.Equal(0, await InvokeAsync("--out", Out, "--users", "20", "--videos", "200", "--days", "7", "--format", "csv"));

        Assert.True(File.Exists(Path.Combine(Out, "impressions.csv")));
        Assert.Contains("20 users, 200 items", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invoke_DirectoryNotEmpty_SaysHowToReplace()
    {
        string[] arguments = ["--out", Out, "--users", "2", "--videos", "200", "--days", "7"];
        await InvokeAsync(arguments);

        Assert.Equal(CommandRunner.BadInput, await InvokeAsync(arguments));
        Assert.StartsWith($"recotrain: {Out} is not empty; give another directory, or --force", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await InvokeAsync([.. arguments, "--force"]));
    }

    [Theory]
    [InlineData("--users", "0", "1…1,000,000")]
    [InlineData("--videos", "199", "200…20,000")]
    [InlineData("--days", "181", "7…180")]
    public void Parse_OutOfRange_NamesOptionAndRange(string option, string value, string range)
    {
        var error = Assert.Single(SimulateCommand.Create().Parse(["--out", Out, option, value]).Errors);
        Assert.Equal($"{option} is {value}; it must be in {range}", error.Message);
    }

    [Fact]
    public async Task Invoke_NoNumber_NamesOptionAndValue()
    {
        Assert.Equal(CommandRunner.BadInput, await InvokeAsync("--out", Out, "--users", "abc"));
        Assert.Equal("recotrain: --users: \"abc\" is not a whole number", _error.ToString().TrimEnd());
    }

    [Fact]
    public void Parse_WithoutDirectory_IsAnError() => Assert.NotEmpty(SimulateCommand.Create().Parse([]).Errors);

    public void Dispose()
    {
        _directory.Delete(recursive: true);
        _output.Dispose();
        _error.Dispose();
    }

    private Task<int> InvokeAsync(params string[] arguments) =>
        CommandRunner.RunAsync(new RootCommand { SimulateCommand.Create() }, ["simulate", .. arguments], _output, _error);
}
