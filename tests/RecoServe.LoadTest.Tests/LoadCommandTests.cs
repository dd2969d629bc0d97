using RecoServe.Testing;

namespace RecoServe.LoadTest.Tests;

public sealed class LoadCommandTests
{
    [Theory]
    [InlineData("--callers must be above 0, not 0", "--callers", "0")]
    [InlineData("--seconds must be above 0, not -1", "--seconds", "-1")]
    [InlineData("--server must be a program, and there is no /nowhere/recoserve", "--server", "/nowhere/recoserve")]
    [InlineData("'swop' not recognized", "--scenario", "swop")]
    [InlineData("/nowhere holds no models", "--models", "/nowhere")]
    [InlineData("--out /nowhere/report.md cannot be written: ", "--out", "/nowhere/report.md")]
    [InlineData("--results /dev/null/bench cannot be written: ", "--results", "/dev/null/bench")]
    public async Task Invoke_BadOption_NamesIt(string message, params string[] arguments)
    {
        using var error = new StringWriter();
        var parsed = LoadCommand.New(options => LoadRun.RunAsync(options, Spectre.Console.AnsiConsole.Console)).Parse(arguments);
        var code = await parsed.InvokeAsync(new() { Error = error, Output = TextWriter.Null }, TestContext.Current.CancellationToken);
        Assert.NotEqual(0, code);
        Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_Nothing_RunsEverything()
    {
        var options = Read();
        Assert.Equal((5, 200, 1_000_000, "serving"), (options.Rounds, options.Swaps, options.Calls, options.Name));
        Assert.Equal(TimeSpan.FromSeconds(2.5), options.Duration);
        Assert.False(options.IsShort);
    }

    [Fact]
    public void Parse_Scenario_NamesTheResults()
    {
        Assert.Equal("swap", Read("--scenario", "swap", "--swaps", "20").Name);
        Assert.Equal("swap-short", Read("--scenario", "swap", "--short").Name);
        Assert.Equal("steady+swap", Read("--scenario", "steady", "swap").Name);
    }

    private static LoadOptions Read(params string[] arguments)
    {
        LoadOptions? read = null;
        var code = LoadCommand.New(options =>
        {
            read = options;
            return Task.FromResult(0);
        }).Parse([.. arguments, "--models", RepositoryRoot.File("models")]).Invoke();
        Assert.Equal(0, code);
        return read!;
    }
}
