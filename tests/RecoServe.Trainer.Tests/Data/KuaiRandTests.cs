using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class KuaiRandTests
{
    private static DataOptions Options => new()
    {
        Data = [SharedData.PathOf("kuairand-pure/exposures_0425_0430.parquet"), SharedData.PathOf("kuairand-pure/exposures_0501_0508.parquet")],
        Items = SharedData.PathOf("kuairand-pure/video_features_basic_pure.csv"),
        ContextColumns = ["tab"],
        Columns = new Dictionary<string, string> { ["item_id"] = "video_id", ["timestamp"] = "time_ms", ["channel"] = "author_id", ["category"] = "tag" },
        Separators = new Dictionary<string, string> { ["category"] = "," },
    };

    [Fact]
    public void Read_Exposures_AreAllThere()
    {
        var log = WatchLogReader.Read(Options);

        Assert.Equal((228_329, 25_156, 6_361), (log.EventCount, log.UserCount, log.Catalogue.Count));
        Assert.Contains("39", log.Catalogue.Attributes["category"].Values);
        Assert.DoesNotContain(log.Catalogue.Attributes["category"].Values, value => value.Contains(',', StringComparison.Ordinal));
        Assert.True(log.Catalogue.Attributes.ContainsKey("channel"));
        Assert.DoesNotContain("author_id", log.Catalogue.Attributes.Keys);
        Assert.Equal("1", log.ContextFields[0].Values[0]);
    }

    [Fact]
    public void Read_LongViewsOnly_AreFewer()
    {
        var log = WatchLogReader.Read(Options with { Where = "long_view = 1 AND is_click = 1" });

        Assert.InRange(log.EventCount, 10_000, 100_902);
    }
}
