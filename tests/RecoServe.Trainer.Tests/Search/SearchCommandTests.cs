using System.CommandLine;
using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Search;
using RecoServe.Trainer.Tests.Data;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Search;

[Collection(Torch.Collection)]
public sealed class SearchCommandTests : IDisposable
{
    private readonly InputFiles _files = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _files.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task Halving_TrainsRunsAndTellsTheBest_AndASecondCallHasNothingToDo()
    {
        var log = _files.Write("log.txt", string.Concat(Enumerable.Range(0, 40).SelectMany(u => Enumerable.Range(0, 10).Select(t => $"u{u} {((u + t) % 20) + 1}\n"))));
        var space = _files.Write("space.yaml", $"fit:\n  data: {log}\n  dimension: 8\n  batch-size: 16\n  threads: 1\n  decay: linear\nspace:\n  learning-rate: [1e-6, 0.03]\n");
        string[] args = ["search", "--space", space, "--out", _files.PathOf("search"), "--method", "halving", "--trials", "2", "--min-epochs", "2", "--max-epochs", "4", "--eta", "2"];

        Assert.Equal(0, await RunAsync(args));

        var results = await File.ReadAllLinesAsync(_files.PathOf("search/results.csv"), TestContext.Current.CancellationToken);
        Assert.Equal("trial,rung,epochs,val_hr10,val_ndcg10,seconds,learning-rate", results[0]);
        Assert.Equal(["1,1,2", "2,1,2"], results[1..3].Select(line => line[..5]));
        Assert.EndsWith(",0.03", results[3], StringComparison.Ordinal);
        Assert.Contains(",2,4,", results[3], StringComparison.Ordinal);
        var best = $"trial-00{results[3][0]}";
        Assert.EndsWith($"best: {_files.PathOf($"search/{best}")}", _output.ToString().TrimEnd(), StringComparison.Ordinal);
        var fit = RunFolder.Open(_files.PathOf($"search/{best}")).Settings.Fit;
        Assert.Equal((0.03, 4, 4), (fit.LearningRate, fit.DecayEpochs, fit.MaxEpochs)); // the step size falls over the whole trial, not over its first rung
        Assert.Equal(5, File.ReadLines(_files.PathOf($"search/{best}/metrics.csv")).Count());

        var before = _error.ToString();
        Assert.Equal(0, await RunAsync(args));
        File.Delete(_files.PathOf("search/search.json")); // as an earlier build left it
        Assert.Equal(0, await RunAsync(args));
        Assert.Equal(before, _error.ToString());
        Assert.Equal(results, await File.ReadAllLinesAsync(_files.PathOf("search/results.csv"), TestContext.Current.CancellationToken));

        Assert.Equal(CommandRunner.BadInput, await RunAsync([.. args[..^6], "--min-epochs", "1", .. args[^4..]]));
        Assert.Contains($"{_files.PathOf("search/search.json")}: is of another search: epochs of the rungs was 2 4, and is 1 2", _error.ToString(), StringComparison.Ordinal);
        await File.WriteAllTextAsync(space, (await File.ReadAllTextAsync(space, TestContext.Current.CancellationToken)).Replace("dimension: 8", "dimension: 4", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Equal(CommandRunner.BadInput, await RunAsync(args));
        Assert.Contains("is of another search: fit: dimension was 8, and is 4; name another folder", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownOptionInTheSpace_IsNamedWithItsLine()
    {
        var space = _files.Write("space.yaml", "fit:\n  data: log.txt\nspace:\n  depth: [1, 2]\n");

        Assert.Equal(CommandRunner.BadInput, await RunAsync("search", "--space", space, "--out", _files.PathOf("search")));
        Assert.StartsWith($"recotrain: {space} line 4: there is no option depth; there are", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task BadValue_EndsTheSearchWithTheTrialsMessage()
    {
        var space = _files.Write("space.yaml", $"fit:\n  data: {_files.Write("log.txt", "u 1\nu 2\nu 3\n")}\nspace:\n  dropout: [2]\n");

        Assert.Equal(CommandRunner.BadInput, await RunAsync("search", "--space", space, "--out", _files.PathOf("search")));
        Assert.Equal("recotrain: trial-001: The field --dropout must be between 0 and 0.95.", _error.ToString().TrimEnd());
        Assert.Equal(CommandRunner.BadInput, await RunAsync("search", "--space", space, "--out", "x", "--eta", "1"));
        Assert.Contains("--eta must be 2 or more", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fit:\n  cutoffs: 5,20\nspace:\n  layers: [1]\n", 2)]
    [InlineData("space:\n  cutoffs: [\"5,10\", \"20\"]\n", 2)]
    public async Task CutoffsWithoutTen_AreRefusedAtTheStart(string content, int line)
    {
        var space = _files.Write("space.yaml", content);

        Assert.Equal(CommandRunner.BadInput, await RunAsync("search", "--space", space, "--out", _files.PathOf("search")));
        Assert.Equal($"recotrain: {space} line {line}: cutoffs must have 10, as trials are compared by NDCG@10", _error.ToString().TrimEnd());
        Assert.False(Directory.Exists(_files.PathOf("search")));
    }

    [Fact]
    public async Task LossThatIsNotFinite_IsARowWithoutAScore_AndWhatIsUnforeseenNone()
    {
        var log = _files.Write("log.csv", "user_id,item_id,timestamp\n" + string.Concat(Enumerable.Range(0, 20).SelectMany(u => Enumerable.Range(0, 10).Select(t => $"u{u},{((u + t) % 20) + 1},{t}\n"))));
        var space = _files.Write("space.yaml", $"fit:\n  data: {log}\n  dimension: 8\n  epochs: 1\n  threads: 1\nspace:\n  reward: [\"1\", \"3e38\"]\n");
        string[] args = ["search", "--space", space, "--out", _files.PathOf("search"), "--trials", "2"];
        var good = SearchSpace.Read(space).Draw(2, seed: 1).Single(trial => trial.Values is ["1"]).Folder;
        Directory.CreateDirectory(_files.PathOf($"search/{good}"));
        await File.WriteAllTextAsync(_files.PathOf($"search/{good}/checkpoint"), "in the way", TestContext.Current.CancellationToken);

        Assert.Equal(CommandRunner.Failed, await RunAsync(args));
        Assert.Contains($"recotrain: {good}: ", _error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(await File.ReadAllLinesAsync(_files.PathOf("search/results.csv"), TestContext.Current.CancellationToken), row => row.EndsWith(",1", StringComparison.Ordinal));

        File.Delete(_files.PathOf($"search/{good}/checkpoint"));
        Assert.Equal(0, await RunAsync(args));
        var results = await File.ReadAllLinesAsync(_files.PathOf("search/results.csv"), TestContext.Current.CancellationToken);
        Assert.Equal(3, results.Length);
        Assert.All(results[1..], row => Assert.Equal(row.EndsWith(",3e38", StringComparison.Ordinal), row.Contains(",0,,,", StringComparison.Ordinal)));
    }

    private Task<int> RunAsync(params string[] args) => CommandRunner.RunAsync(new RootCommand { SearchCommand.Create() }, args, _output, _error);
}
