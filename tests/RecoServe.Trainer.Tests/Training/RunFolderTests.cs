using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Tests.Evaluation;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Training;

public sealed class RunFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("run").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Whoever began to read goes on reading the old file, as a new one took its place.</summary>
    [Theory]
    [InlineData("metrics.csv")]
    [InlineData("metrics.json")]
    public void Write_FileThatIsRead_TakesThePlaceOfTheOldOne(string file)
    {
        var run = Create(Log());
        run.WriteMetrics(new Dictionary<string, double> { ["old"] = 1 });
        File.AppendAllText(In("metrics.csv"), "1,old\n2,old\n");
        var old = File.ReadAllText(In(file));
        using var reader = File.OpenText(In(file));
        if (file == "metrics.csv")
            run.CutMetrics(firstUnfinished: 2);
        else
            run.WriteMetrics(new Dictionary<string, double> { ["new"] = 2 });
        Assert.Equal(old, reader.ReadToEnd());
        Assert.NotEqual(old, File.ReadAllText(In(file)));
        Assert.Empty(Directory.GetFiles(_folder, "*.draft"));
    }

    /// <summary>Of an earlier build, that measured less.</summary>
    [Fact]
    public void CutMetrics_FileWithFewerColumns_GetsTheOthersEmpty()
    {
        var run = Create(Log());
        var header = File.ReadLines(In("metrics.csv")).First();
        File.WriteAllText(In("metrics.csv"), "epoch,loss\n1,2.5\n2,2\n");
        run.CutMetrics(firstUnfinished: 2);
        Assert.Equal([header, "1,2.5" + new string(',', header.Count(c => c == ',') - 1)], File.ReadAllLines(In("metrics.csv")));
    }

    /// <summary>A run goes on by its config.yaml, so there must be one as soon as there is a run.</summary>
    [Fact]
    public void Create_EndsBeforeTheSettingsAreWritten_HasTheConfigAndIsNoRun()
    {
        Directory.CreateDirectory(In("options.json.draft"));
        Assert.ThrowsAny<Exception>(() => RunFolder.Create(_folder, Log(), new FitOptions(), new Dictionary<string, string>(), "dimension: 7\n"));
        Assert.Equal("dimension: 7\n", File.ReadAllText(In("config.yaml")));
        Assert.Throws<PackageException>(() => RunFolder.Open(_folder));

        Directory.Delete(In("options.json.draft"));
        Create(Log());
        Assert.NotNull(RunFolder.Open(_folder));
    }

    [Fact]
    public void RequireSame_EditedAttributesOrDisplays_Refuses()
    {
        var run = Create(Log());
        run.RequireSame(Log());
        foreach (var other in (WatchLog[])[Log(category: "b"), Log(slot: 2), Log(context: 1), Log(reward: 2)])
            Assert.Contains("another log", Assert.Throws<PackageException>(() => run.RequireSame(other)).Message, StringComparison.Ordinal);
    }

    /// <summary>A run of an earlier build, which lacks counts, is not refused for them.</summary>
    [Fact]
    public void RequireScores_OtherCounts_AreNamed()
    {
        var split = new LeaveOneOutSplit(Logs.Of(3, [1, 2, 3], [1, 2, 3]));
        RunFolder Run(Dictionary<string, string> data)
        {
            Directory.Delete(_folder, recursive: true);
            return RunFolder.Create(_folder, split.Log, new FitOptions(), data);
        }

        Run(new(SplitCounts.Of(split))).RequireScores(split);
        Run([]).RequireScores(split);
        var e = Assert.Throws<DataException>(() => Run(new(SplitCounts.Of(split)) { ["training_events"] = "5", ["test_questions"] = "1" }).RequireScores(split));
        Assert.Equal($"{_folder} was trained on 5 training events, not 2; 1 test questions, not 2: on another log or split, and may have learned what is asked for here", e.Message);
    }

    private string In(string file) => Path.Combine(_folder, file);

    private RunFolder Create(WatchLog log) => RunFolder.Create(_folder, log, new FitOptions(), new Dictionary<string, string>());

    private static WatchLog Log(string category = "a", ushort slot = 1, ushort context = 0, float reward = 1)
    {
        var attributes = new Dictionary<string, IReadOnlyList<string>> { ["category"] = [category, "b", "a|b"] };
        return Logs.Of(3, [[1, 2, 3]], null, null, attributes).With(new FeedbackLog([0, 1], [1], [2], [reward], null, [slot], [[context]]));
    }
}
