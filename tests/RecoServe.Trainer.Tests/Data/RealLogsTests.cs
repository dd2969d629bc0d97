using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Data;

/// <summary>The real logs, read as docs/training.md says; Amazon and ml-1m are also checked by their anchors.</summary>
public sealed class RealLogsTests
{
    private static DataOptions Trivago => new()
    {
        Data = [SharedData.PathOf("trivago/val_100k.parquet")],
        Columns = new Dictionary<string, string> { ["user_id"] = "session_id", ["item_id"] = "reference", ["slate_items"] = "impressions" },
        Where = "action_type = 'clickout item'",
        ContextColumns = ["device", "platform"],
    };

    [Fact]
    public void Trivago_ClickOuts_AreAllThere()
    {
        var log = WatchLogReader.Read(Trivago);

        Assert.Equal(13_597, log.EventCount);
        Assert.Equal([3, 55], log.ContextFields.Select(field => field.Values.Count));
        Assert.Null(LeakCheck.Find(TimeSplit.Of(log, null, null, TargetRule.Every), SplitPart.Test));
    }

    /// <summary>Of the 312,539 displays, those of the hotels that somebody clicked: others have no vector.</summary>
    [Fact]
    public void Trivago_Displays_HaveTheirSlotAndWhatWasClicked()
    {
        var log = WatchLogReader.Read(Trivago with { Feedback = new FeedbackOptions { Impressions = Trivago.Data } });
        var rows = Enumerable.Range(0, log.UserCount).Select(log.Feedback!.RowsOf).ToArray();

        Assert.Equal(62_974, log.Feedback.RowCount);
        Assert.Equal(25, log.Feedback.SlotCount);
        Assert.Equal(13_596, rows.Sum(r => r.Rewards.ToArray().Count(reward => reward == 1)));
        Assert.All(rows, r => Assert.True(r.Steps.Span.IsEmpty || r.Steps.Span[0] == 0));
        Assert.Null(LeakCheck.Find(TimeSplit.Of(log, null, null, TargetRule.Every), SplitPart.Test));
    }

    [Fact]
    public void Coat_Ratings_AreSixteenRandomOnesForTheTest()
    {
        var log = WatchLogReader.Read(new DataOptions { Data = [SharedData.PathOf("coat/train.ascii")], TestData = [SharedData.PathOf("coat/test.ascii")] });

        Assert.Equal((290, 300), (log.UserCount, log.Catalogue.Count));
        Assert.All(Enumerable.Range(0, 290), user => Assert.Equal((24, 16), (log.ItemsOf(user).Length - log.TestEventsOf(user), log.TestEventsOf(user))));
        Assert.Null(LeakCheck.Find(new GivenSplit(log), SplitPart.Test));
    }

    [Theory]
    [InlineData("Beauty", 12_101)]
    [InlineData("Toys_and_Games", 11_924)]
    public void Amazon_Attributes_AreOfNearlyAllItems(string name, int items)
    {
        var catalogue = WatchLogReader.Read(new DataOptions
        {
            Data = [SharedData.PathOf($"amazon/{name}.txt")],
            Items = SharedData.PathOf($"amazon/{name}_item2attributes.json"),
        }).Catalogue;

        var without = Enumerable.Range(1, items).Count(item => !catalogue.Attributes["category"].ValuesOf(item).Any());
        Assert.Equal(items, catalogue.Count);
        Assert.InRange(without, 0, items / 50);
    }

    [Fact]
    public void KuaiRand_LongViews_SplitInTimeWithoutLeaks()
    {
        var log = WatchLogReader.Read(new DataOptions
        {
            Data = [SharedData.PathOf("kuairand-pure/exposures_0425_0430.parquet"), SharedData.PathOf("kuairand-pure/exposures_0501_0508.parquet")],
            Columns = new Dictionary<string, string> { ["item_id"] = "video_id", ["timestamp"] = "time_ms" },
            Where = "long_view = 1",
            ContextColumns = ["tab"],
        });

        var split = TimeSplit.Of(log, SplitPoint.Parse("", "2022-04-29"), SplitPoint.Parse("", "2022-05-01"), TargetRule.Every);

        Assert.Null(LeakCheck.Find(split, SplitPart.Validation));
        Assert.Null(LeakCheck.Find(split, SplitPart.Test));
        Assert.Equal(34_910, split.HeldOutOf(SplitPart.Test).Count);
    }
}
