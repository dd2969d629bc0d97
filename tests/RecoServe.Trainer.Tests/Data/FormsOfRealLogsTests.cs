using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Data;

/// <summary>A few rows in the form of each real log, read with the options that docs/training.md gives for it.</summary>
public sealed class FormsOfRealLogsTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Coat_Matrices_AreEventsWithoutTimesInAnOrderThatSaysNothing()
    {
        var train = _files.Write("train.ascii", "0 5 0 4 3 4 5 5\n4 0 0 0 0 0 0 1 \n\n".Replace("\n\n", "\n", StringComparison.Ordinal));
        var test = _files.Write("test.ascii", "5 0 4 0 1 0 0 0\n0 4 0 0 0 0 0 0\n");

        var log = WatchLogReader.Read(new DataOptions { Data = [train], TestData = [test], Where = "rating >= 4" });
        var split = new GivenSplit(log);

        Assert.False(log.HasTimes);
        Assert.Equal(["1", "2"], [log.UserId(0), log.UserId(1)]);
        Assert.Equal(["1", "2", "3", "4", "6", "7", "8"], InputFiles.Items(log));
        var known = log.ItemsOf(0).ToArray()[..5].Select(log.Catalogue.IdOf).ToArray();
        Assert.Equal(["2", "4", "6", "7", "8"], known.Order());
        Assert.NotEqual(known.Order(), known);
        Assert.Equal(["1", "3"], split.HeldOutOf(SplitPart.Test)[0].Items.ToArray().Select(log.Catalogue.IdOf).Order());
        Assert.Equal(2, split.HeldOutOf(SplitPart.Test).Count);
    }

    [Theory]
    [InlineData("0 1\n0 1 2\n", " line 2: has 3 numbers, line 1 has 2; a matrix has a number for each item on every line")]
    [InlineData("0 1\n0 x\n", " line 2: \"x\" is not a number")]
    [InlineData("0 1\n\n", " line 2: has 0 numbers, line 1 has 2; a matrix has a number for each item on every line")]
    public void Coat_BadMatrix_NamesTheLine(string content, string expected)
    {
        var path = _files.Write("bad.ascii", content);

        Assert.Equal(path + expected, Assert.Throws<DataException>(() => WatchLogReader.Read(new DataOptions { Data = [path] })).Message);
    }

    [Fact]
    public void Amazon_AttributesOfAJsonObject_AreCategories()
    {
        var data = _files.Write("Beauty.txt", "1 1 2 3\n2 3 4\n");
        var items = _files.Write("attributes.json", """{"4": [1, 2], "1": [3], "9": [1]}""");

        var catalogue = WatchLogReader.Read(new DataOptions { Data = [data], Items = items }).Catalogue;

        Assert.Equal(["category"], catalogue.Attributes.Keys);
        Assert.Equal(["1", "2"], catalogue.Attributes["category"].ValuesOf(4));
        Assert.Equal(["3"], catalogue.Attributes["category"].ValuesOf(1));
        Assert.Empty(catalogue.Attributes["category"].ValuesOf(2));
    }

    [Fact]
    public void Amazon_JsonThatIsNoObjectOfLists_IsNamed()
    {
        var items = _files.Write("attributes.json", "[1, 2]");

        var error = Assert.Throws<DataException>(() => WatchLogReader.Read(new DataOptions { Data = [_files.Write("log.txt", "1 1\n")], Items = items }));

        Assert.StartsWith(items, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Trivago_ClickOuts_HaveDeviceAndPlatform_AndContextsCanBeDerived()
    {
        const string Query = """
            SELECT * FROM (VALUES
                ('U', 's1', 10, 'clickout item', '7', 'BR', 'mobile', '9|7|8'),
                ('U', 's1', 20, 'search for poi', 'Bar', 'BR', 'mobile', NULL),
                ('U', 's1', 30, 'clickout item', '9', 'BR', 'mobile', '9|7'),
                ('V', 's2', 15, 'clickout item', '8', 'US', 'desktop', '1|2|3|8'))
            AS t(user_id, session_id, timestamp, action_type, reference, platform, device, impressions)
            """;
        var log = WatchLogReader.Read(new DataOptions
        {
            Data = [_files.WriteParquet("trivago.parquet", Query)],
            Columns = new Dictionary<string, string> { ["user_id"] = "session_id", ["item_id"] = "reference" },
            Where = "action_type = 'clickout item'",
            ContextColumns = ["device", "platform", "position"],
            Derived = new Dictionary<string, string> { ["position"] = "list_position(string_split(impressions, '|'), reference)" },
        });

        Assert.Equal(["s1: 7 9", "s2: 8"], InputFiles.Histories(log));
        Assert.Equal(["2", "1", "4"], InputFiles.Codes(log, 2).Select(code => log.ContextFields[2].Values[code - 1]));
        Assert.Equal(["mobile", "mobile", "desktop"], InputFiles.Codes(log, 0).Select(code => log.ContextFields[0].Values[code - 1]));
    }

    [Fact]
    public void KuaiRand_LongViews_AreTheWatches_AndAllExposuresCanBeRead()
    {
        const string Query = """
            SELECT * FROM (VALUES (1, 11, 1651000000000, 1, 1, 0), (1, 12, 1651000001000, 0, 1, 1), (1, 13, 1651400000000, 2, 0, 1))
            AS t(user_id, video_id, time_ms, tab, is_click, long_view)
            """;
        var options = new DataOptions
        {
            Data = [_files.WriteParquet("exposures.parquet", Query)],
            Columns = new Dictionary<string, string> { ["item_id"] = "video_id", ["timestamp"] = "time_ms" },
            ContextColumns = ["tab"],
        };

        Assert.Equal(["1: 11 12 13"], InputFiles.Histories(WatchLogReader.Read(options)));
        var watches = WatchLogReader.Read(options with { Where = "long_view = 1" });
        Assert.Equal(["1: 12 13"], InputFiles.Histories(watches));
        Assert.Equal([1_651_000_001_000, 1_651_400_000_000], watches.TimesOf(0).ToArray());
    }
}
