using System.CommandLine;
using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Tests.Data;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Configuration;

[Collection(Torch.Collection)]
public sealed class ConfigFileTests : IDisposable
{
    private readonly InputFiles _files = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _files.Dispose();
        _error.Dispose();
    }

    [Fact]
    public void Expand_ValuesListsAndMappings_BecomeOptions()
    {
        var path = _files.Write("run.yaml", "# a comment\ndata: [a.csv, b.csv]\ncolumn:\n  item_id: video_id\n  category: tag\nwhere: \"long_view = 1\"\ndropout: 0.3\n");

        string[] args = ["fit", "--out", "run", "--config", path];
        Assert.Equal(
            [.. args, "--data=a.csv", "--data=b.csv", "--column=item_id=video_id", "--column=category=tag", "--where=long_view = 1", "--dropout=0.3"],
            ConfigFile.Expand(Root().Parse(args), args));
    }

    [Fact]
    public void Expand_CommandLine_Wins()
    {
        var path = _files.Write("run.yaml", "dropout: 0.3\ndata: a.csv\n");
        string[] args = ["fit", "--config", path, "--dropout", "0.1", "--data", "mine.csv"];

        Assert.Equal(args, ConfigFile.Expand(Root().Parse(args), args));
    }

    [Theory]
    [InlineData("data: log.txt\n\ndimensions: 8\n", " line 3: there is no option dimensions; there are ")]
    [InlineData("data: log.txt\nresume: true\n", " line 2: there is no option resume; there are ")]
    [InlineData("data:\n", " line 1: data must have a value, a list of values, or a mapping of names to values")]
    [InlineData("data: log.txt\ncolumn:\n  a: [1]\n", " line 3: column must have a value, a list of values, or a mapping of names to values")]
    [InlineData("- data\n", " line 1: must be lines of \"name: value\"")]
    [InlineData("data: log.txt\ndata: log.txt\n", " line 2: ")]
    [InlineData("data: [log.txt\n", " line 2: ")]
    [InlineData("data: log.txt\n---\ndata: x\n", " line 3: must be one document")]
    public async Task BadFile_NamesTheLine(string content, string expected)
    {
        var path = _files.Write("run.yaml", content);

        Assert.Equal(CommandRunner.BadInput, await RunAsync("fit", "--out", _files.PathOf("run"), "--config", path));
        Assert.StartsWith($"recotrain: {path}{expected}", _error.ToString(), StringComparison.Ordinal);
        Assert.Single(_error.ToString().TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task AbsentFile_IsNamed()
    {
        Assert.Equal(CommandRunner.BadInput, await RunAsync("fit", "--config", "absent.yaml"));
        Assert.Equal("recotrain: absent.yaml: there is no such file", _error.ToString().TrimEnd());
    }

    [Fact]
    public async Task Fit_FromAFile_StoresWhatWasResolved_WhichGivesTheSameRunAgain()
    {
        var log = _files.Write("log.txt", string.Concat(Enumerable.Range(0, 60).SelectMany(u => Enumerable.Range(0, 12).Select(t => $"u{u} {((u + t) % 30) + 1}\n"))));
        var path = _files.Write("run.yaml", $"data: {log}\ndimension: 8\nepochs: 2\nbatch-size: 16\nthreads: 1\n");

        Assert.Equal(0, await RunAsync("fit", "--out", _files.PathOf("one"), "--config", path, "--dropout", "0.1"));
        var resolved = await File.ReadAllTextAsync(_files.PathOf("one/config.yaml"), TestContext.Current.CancellationToken);
        Assert.Contains("dimension: 8\n", resolved, StringComparison.Ordinal);
        Assert.Contains("dropout: 0.1\n", resolved, StringComparison.Ordinal);
        Assert.Contains("learning-rate: 0.005\n", resolved, StringComparison.Ordinal);
        Assert.Contains("split: last\n", resolved, StringComparison.Ordinal);
        Assert.DoesNotContain("\nout:", resolved, StringComparison.Ordinal);

        Assert.Equal(0, await RunAsync("fit", "--out", _files.PathOf("two"), "--config", _files.PathOf("one/config.yaml")));
        Assert.Equal(RunFolder.Open(_files.PathOf("one")).ReadMetrics(), RunFolder.Open(_files.PathOf("two")).ReadMetrics());
        Assert.Equivalent(RunFolder.Open(_files.PathOf("one")).Settings.Fit, RunFolder.Open(_files.PathOf("two")).Settings.Fit);
    }

    /// <summary>What stops says: nothing but the folder must be given, and a limit may be raised.</summary>
    [Fact]
    public async Task Fit_Resumed_TakesTheOptionsOfTheRun()
    {
        var log = _files.Write("log.txt", string.Concat(Enumerable.Range(0, 60).SelectMany(u => Enumerable.Range(0, 12).Select(t => $"u{u} {((u + t) % 30) + 1}\n"))));
        string[] options = ["--data", log, "--dimension", "8", "--threads", "1", "--evaluate-every", "1"];
        Assert.Equal(0, await RunAsync(["fit", "--out", _files.PathOf("one"), "--epochs", "3", .. options]));
        Assert.Equal(0, await RunAsync(["fit", "--out", _files.PathOf("two"), "--epochs", "2", .. options]));
        Assert.Equal(0, await RunAsync("fit", "--out", _files.PathOf("two"), "--resume", "--epochs", "3"));
        Assert.Equal(RunFolder.Open(_files.PathOf("one")).ReadMetrics(), RunFolder.Open(_files.PathOf("two")).ReadMetrics());
        Assert.DoesNotContain("recotrain:", _error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>What an option is by default depends on the network: the file has what was used.</summary>
    [Fact]
    public async Task Fit_DefaultsOfANetwork_AreStoredAndGiveTheSameRunAgain()
    {
        var log = _files.Write("log.txt", string.Concat(Enumerable.Range(0, 60).SelectMany(u => Enumerable.Range(0, 12).Select(t => $"u{u} {((u + t) % 30) + 1}\n"))));
        Assert.Equal(0, await RunAsync("fit", "--data", log, "--out", _files.PathOf("one"), "--network", "sasrec", "--dimension", "8", "--epochs", "1", "--threads", "1", "--decay", "cosine"));
        var resolved = await File.ReadAllTextAsync(_files.PathOf("one/config.yaml"), TestContext.Current.CancellationToken);
        foreach (var line in new[] { "layers: 2\n", "scale-input: True\n", "learning-rate: 0.001\n", "decay-epochs: 1\n" })
            Assert.Contains(line, resolved, StringComparison.Ordinal);
        Assert.Equal(0, await RunAsync("fit", "--out", _files.PathOf("two"), "--config", _files.PathOf("one/config.yaml")));
        Assert.Equivalent(RunFolder.Open(_files.PathOf("one")).Settings.Fit, RunFolder.Open(_files.PathOf("two")).Settings.Fit);
    }

    [Fact]
    public void WithoutFolders_Paths_AreFileNames()
    {
        var path = _files.Write("config.yaml", "data:\n- /home/someone/a.csv\n- b*.csv\nitems: x/items.csv\nreward: minutes / 60\nlayers: 2\n");
        Assert.Equal("# recotrain fit --config FILE\ndata:\n- a.csv\n- b*.csv\nitems: items.csv\nreward: minutes / 60\nlayers: 2\n", ResolvedConfig.WithoutFolders(path));
    }

    private static RootCommand Root() => new() { FitCommand.Create() };

    private Task<int> RunAsync(params string[] args) => CommandRunner.RunAsync(Root(), args, TextWriter.Null, _error);
}
