using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Data;

/// <summary>Alone, because it looks at what the process holds.</summary>
[CollectionDefinition(nameof(LogMemoryTests), DisableParallelization = true)]
[Collection(nameof(LogMemoryTests))]
public sealed class LogMemoryTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    /// <summary>Of a log's events none are in managed memory: 14 bytes each, with their feedback 40, and 24 more of those that are asked for.</summary>
    [Fact]
    public void Read_LongLog_TakesMemoryOfItsUsersAndItems()
    {
        const int Users = 100, Events = 600_000;
        var columns = $"SELECT i % {Users} AS user_id, i % 1000 AS item_id, i AS timestamp, i % 7 AS device, .5 AS propensity FROM range({Events}) r(i)";
        var options = new DataOptions
        {
            Data = [_files.WriteParquet("log.parquet", columns)],
            ContextColumns = ["device"],
            Feedback = new FeedbackOptions { Reward = "1 + item_id % 2" },
        };
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var log = WatchLogReader.Read(options);
        var set = new TrainingSet(log, [.. Enumerable.Range(0, Users).Select(u => log.ItemsOf(u).Length)], maxHistory: 100, windowsPerUser: 10);
        var split = TimeSplit.Of(log, null, SplitPoint.AtFraction(0.5), TargetRule.Every);
        var taken = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.Equal(Events, log.Feedback!.RowCount);
        Assert.True(taken < Events, $"{taken} bytes");
        Assert.Equal(Users * 10, set.WindowCount);
        Assert.Equal(Events / 2, split.HeldOutOf(SplitPart.Test).Count);
        Assert.Equal(100, set.Read(set.Epoch(1, 1, 8)[0][0]).Items.Length);
    }

    [Fact]
    public void Add_NoDirectoryForTemporaryFiles_NamesIt()
    {
        var before = Environment.GetEnvironmentVariable("TMPDIR");
        try
        {
            Environment.SetEnvironmentVariable("TMPDIR", "/none");
            Assert.Contains("/none/, the directory for temporary files, takes no more of the log (TMPDIR names another)", Assert.Throws<DataException>(() => new ColumnWriter<int>()).Message, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("TMPDIR", before);
        }
    }
}
