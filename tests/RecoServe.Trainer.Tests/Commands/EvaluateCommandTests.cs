using System.CommandLine;
using System.Text.Json;
using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Tests.Data;

namespace RecoServe.Trainer.Tests.Commands;

public sealed class EvaluateCommandTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Json_HasTheStableKeysAndNothingElse()
    {
        var (code, output, error) = await RunAsync("evaluate", "--data", Log(), "--baseline", "pop", "--json");

        Assert.Equal((0, ""), (code, error));
        using var json = JsonDocument.Parse(output);
        var root = json.RootElement;
        Assert.Equal(["model", "protocol", "users", "items", "validation", "test", "questions", "unknown_targets", "later_training_events", "intervals", "seconds"], root.EnumerateObject().Select(p => p.Name));
        Assert.Equal("pop", root.GetProperty("model").GetString());
        Assert.Equal("leave-one-out, full ranking, seen items removed, ties optimistic", root.GetProperty("protocol").GetString());
        Assert.Equal((2, 4), (root.GetProperty("users").GetInt32(), root.GetProperty("items").GetInt32()));
        Assert.Equal(
            [
                "HR@1", "HR@5", "HR@10", "HR@20", "HR@50", "NDCG@5", "NDCG@10", "NDCG@20", "MAP@10", "MRR@10", "MRR",
                "coverage@10", "gini@10", "MIUF@10", "cold_share@10", "cold_base_rate", "cold_HR@10",
            ],
            root.GetProperty("test").EnumerateObject().Select(p => p.Name));
        Assert.Equal(1, root.GetProperty("test").GetProperty("HR@5").GetDouble());
    }

    [Fact]
    public async Task Part_LeavesTheOtherOut()
    {
        var (_, output, _) = await RunAsync("evaluate", "--data", Log(), "--baseline", "markov1", "--part", "validation", "--ties", "pessimistic", "--json");

        using var json = JsonDocument.Parse(output);
        Assert.True(json.RootElement.TryGetProperty("validation", out _));
        Assert.False(json.RootElement.TryGetProperty("test", out _));
        Assert.EndsWith("ties pessimistic", json.RootElement.GetProperty("protocol").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Table_ShowsBothParts()
    {
        var (code, output, _) = await RunAsync("evaluate", "--data", Log(), "--baseline", "cooc10");

        Assert.Equal(0, code);
        Assert.Contains("validation", output, StringComparison.Ordinal);
        Assert.Contains("NDCG@10", output, StringComparison.Ordinal);
        Assert.Contains("2 users, 2 questions, 4 items", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DataOptions_ReachTheReader()
    {
        var log = _files.Write("log.csv", "viewer,video,at,tab,keep\nu,a,1,x,1\nu,b,2,x,1\nu,c,3,y,1\nu,d,4,y,0\n");
        var items = _files.Write("items.csv", "video,tag\na,1;2\n");

        var (code, output, error) = await RunAsync(
            "evaluate", "--data", log, "--items", items, "--baseline", "pop", "--json", "--context", "tab", "--where", "keep = 1",
            "--column", "user_id=viewer", "item_id=video", "--column", "timestamp=at", "--column", "category=tag",
            "--separator", "category=;", "--min-item-count", "1", "--memory-limit", "500MB");

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("\"items\": 3", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("recotrain: ", "evaluate", "--baseline", "pop")]
    [InlineData("recotrain: absent.txt: there is no such file", "evaluate", "--data", "absent.txt", "--baseline", "pop")]
    [InlineData("recotrain: name what to evaluate: --baseline NAME", "evaluate", "--data", "absent.txt")]
    [InlineData("recotrain: --column x: must be OURS=THEIRS", "evaluate", "--data", "absent.txt", "--baseline", "pop", "--column", "x")]
    [InlineData("recotrain: Argument 'best' not recognized", "evaluate", "--data", "absent.txt", "--baseline", "best")]
    [InlineData("recotrain: no command is given; the commands are evaluate (--help explains them)")]
    [InlineData("recotrain: there is no command forecast; the commands are evaluate (--help explains them)", "forecast", "--data", "x")]
    [InlineData("recotrain: name either --baseline or --model, not both", "evaluate", "--data", "absent.txt", "--baseline", "pop", "--model", "m")]
    public async Task BadInput_IsOneLineAndCode2(string expected, params string[] args)
    {
        var (code, output, error) = await RunAsync(args);

        Assert.Equal((CommandRunner.BadInput, ""), (code, output));
        Assert.StartsWith(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Unforeseen_IsOneLineAndCode1()
    {
        var root = new RootCommand();
        root.SetAction(int (_) => throw new InvalidOperationException("the disk\nis on fire"));
        using var error = new StringWriter();

        Assert.Equal(CommandRunner.Failed, await CommandRunner.RunAsync(root, [], TextWriter.Null, error));
        Assert.Equal("recotrain: the disk is on fire", error.ToString().TrimEnd());
    }

    [Fact]
    public async Task Help_IsGivenWithoutTheRequiredOptions()
    {
        var (code, output, _) = await RunAsync("evaluate", "--help");

        Assert.Equal(0, code);
        Assert.Contains("--baseline", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cutoffs_ReplaceAll_AndNoListsIsNoMetricsOfLists()
    {
        var (_, output, _) = await RunAsync("evaluate", "--data", Log(), "--baseline", "pop", "--json", "--cutoffs", "2,3", "--list-length", "0", "--resamples", "0");

        using var json = JsonDocument.Parse(output);
        Assert.Equal(["HR@2", "HR@3", "NDCG@2", "NDCG@3", "MAP@2", "MAP@3", "MRR@2", "MRR@3", "MRR"], json.RootElement.GetProperty("test").EnumerateObject().Select(p => p.Name));
        Assert.False(json.RootElement.TryGetProperty("intervals", out _));
    }

    [Fact]
    public async Task Cutoffs_NamedTwice_CountOnce()
    {
        var (code, output, _) = await RunAsync("evaluate", "--data", Log(), "--baseline", "pop", "--json", "--cutoffs", "3,3,2", "--list-length", "0");

        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        Assert.Equal(["HR@3", "HR@2"], json.RootElement.GetProperty("test").EnumerateObject().Select(p => p.Name).Take(2));
    }

    [Fact]
    public async Task Action_IsOnAThreadOfItsOwn() =>
        Assert.True(await ActionThread.IsOfPoolAsync(EvaluateCommand.Create(), ["evaluate", "--data", Log(), "--baseline", "pop", "--json"]));

    [Fact]
    public async Task Against_ComparesQuestionByQuestion()
    {
        var (code, output, _) = await RunAsync("evaluate", "--data", Log(), "--baseline", "markov1", "--against", "pop", "--json", "--part", "test");

        Assert.Equal(0, code);
        using var json = JsonDocument.Parse(output);
        var row = json.RootElement.GetProperty("against").GetProperty("test").GetProperty("HR@10");
        Assert.Equal("pop", json.RootElement.GetProperty("against").GetProperty("model").GetString());
        Assert.Equal((1, 0, 2), (row.GetProperty("value").GetDouble(), row.GetProperty("difference").GetDouble(), row.GetProperty("ties").GetInt32()));

        var (_, table, _) = await RunAsync("evaluate", "--data", Log(), "--baseline", "markov1", "--against", "pop");
        Assert.Contains("markov1 against pop: 2 users", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SplitByTime_AsksForTheEventsOfThePeriods()
    {
        // Two watches a day on ten days; the last tenth is the test, a tenth of the rest the validation.
        var log = _files.Write("log.csv", "user_id,item_id,timestamp\n" + string.Concat(Enumerable.Range(1, 10).Select(d => $"u,{d},2026-01-{d:D2}\nv,{d},2026-01-{d:D2}\n")));

        var (_, output, error) = await RunAsync("evaluate", "--data", log, "--baseline", "pop", "--split", "time", "--test-from", "2026-01-08", "--validate-from", "2026-01-07", "--json");

        using var json = JsonDocument.Parse(output);
        Assert.Equal("", error);
        Assert.Equal((2, 6), (json.RootElement.GetProperty("questions").GetProperty("validation").GetInt32(), json.RootElement.GetProperty("questions").GetProperty("test").GetInt32()));
        Assert.StartsWith("split by time (validation from 2026-01-07, test from 2026-01-08, every event asked for), full ranking", json.RootElement.GetProperty("protocol").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CountedOnEverything_IsAllowedAndSaidToLeak()
    {
        var (code, output, error) = await RunAsync("evaluate", "--data", Log(), "--baseline", "pop", "--counted-on", "everything", "--json");

        Assert.Equal(0, code);
        Assert.Contains("\"test\"", output, StringComparison.Ordinal);
        Assert.DoesNotContain("\"validation\"", output, StringComparison.Ordinal);
        Assert.StartsWith("recotrain: test: not honest, for comparison with published tables only: user \"u\": the first 3 events are for training, and event 3 among them is a target", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--split time", "--split time: text has no times; use a log with a column timestamp")]
    [InlineData("--test-from .5", "--test-from is for --split time")]
    [InlineData("--split given", "--split given and --test-data go together")]
    [InlineData("--counted-on validation --part validation", "the split leaks: user \"u\": the first 2 events are for training, and event 2 among them is a target of the validation")]
    [InlineData("--resamples -1", "--resamples must be 0 or more")]
    [InlineData("--cutoffs 5,x", "--cutoffs 5,x: must be whole numbers from 1")]
    public async Task ContradictoryOptions_AreRefused(string options, string message)
    {
        var (code, _, error) = await RunAsync(["evaluate", "--data", Log(), "--baseline", "pop", .. options.Split(' ')]);

        Assert.Equal(CommandRunner.BadInput, code);
        Assert.StartsWith($"recotrain: {message}", error, StringComparison.Ordinal);
    }

    private string Log() => _files.Write("log.txt", "u 1\nu 2\nu 3\nv 2\nv 1\nv 4\n");

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandRunner.RunAsync(new RootCommand { EvaluateCommand.Create() }, args, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
