using System.Text.Json;
using RecoServe.LoadTest.Scenarios;
using RecoServe.Testing;
using Spectre.Console;

namespace RecoServe.LoadTest.Tests.Scenarios;

/// <summary>Every scenario with the built server and the bundled model, as short as can be: that it ends, and measures each of its rows.</summary>
public sealed class ScenarioTests : IDisposable
{
    private static readonly LoadOptions Short = new LoadOptions { Models = RepositoryRoot.File("models") }.InShort();

    private readonly TemporaryDirectory _results = new();

    public static TheoryData<string> Names => [.. Scenario.All.Select(s => s.Name)];

    public void Dispose() => _results.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Run_Short_MeasuresEveryRow(string scenario)
    {
        var (code, output) = await RunAsync(Short with { Scenarios = [scenario] });
        Assert.True(code == 0, output);
        var rows = Read($"{scenario}-short.json");
        Assert.Equal(ServingGoals.All.Count(r => r.Scenario == scenario), rows.Length);
        Assert.All(rows, row =>
        {
            Assert.True(row.GetProperty("value").ValueKind == JsonValueKind.Number || IsNoise(row), row.ToString());
            Assert.StartsWith("short run: ", row.GetProperty("row").GetString(), StringComparison.Ordinal);
        });
        Assert.All(rows.Where(IsWrongVersion), row => Assert.Equal(0, row.GetProperty("value").GetDouble()));
        Assert.True(File.Exists(_results.File($"{scenario}-short-runs.json")));
        Assert.Equal(scenario == "overload", File.Exists(_results.File("overload-short.svg")));
    }

    [Fact]
    public void All_Rows_BelongToScenarios() =>
        Assert.Subset(Scenario.All.Select(s => s.Name).ToHashSet(), ServingGoals.All.Select(r => r.Scenario).ToHashSet());

    [Fact]
    public async Task Run_ServerCannotStart_SaysWhyAndLeavesRowsWithoutValue()
    {
        new TestModel { Probe = p => p with { Cases = [p.Cases[0] with { LogSumExp = 0 }] } }.Publish(_results.File("models"));
        var (code, output) = await RunAsync(Short with { Models = _results.File("models"), Scenarios = ["start"], Out = _results.File("out.md") });
        Assert.Equal(1, code);
        Assert.Contains("probe.json is not answered as recorded", output, StringComparison.Ordinal);
        var row = Assert.Single(Read("start-short.json"));
        Assert.Equal(JsonValueKind.Null, row.GetProperty("value").ValueKind);
        Assert.False(row.GetProperty("holds").GetBoolean());
        Assert.Equal("its scenario failed", row.GetProperty("why").GetString());
        Assert.Contains("not measured, its scenario failed | - |", await File.ReadAllTextAsync(_results.File("out.md"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    /// <summary>A difference of two times that came out negative, or calls that failed: a busy machine may do that to so short a run.</summary>
    private static bool IsNoise(JsonElement row) =>
        row.GetProperty("why").GetString() is { } why && (why.EndsWith("not quiet enough", StringComparison.Ordinal) || why.StartsWith("the figure came out as", StringComparison.Ordinal));

    /// <summary>What must be 0 however slow the machine is; calls may fail by their deadline.</summary>
    private static bool IsWrongVersion(JsonElement row) => row.GetProperty("row").GetString()!.Contains("wrong-version", StringComparison.Ordinal);

    private async Task<(int Code, string Output)> RunAsync(LoadOptions options)
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        return (await LoadRun.RunAsync(options with { Results = _results.Path }, console), output.ToString());
    }

    private JsonElement[] Read(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(_results.File(file)));
        return [.. json.RootElement.EnumerateArray().Select(row => row.Clone())];
    }
}
