using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

/// <summary>Impressions whose rows are slates: the list of what was shown, and the item that was watched.</summary>
public sealed class SlateRowsTests : IDisposable
{
    private const string Slates = """
        session,item,time,shown,price
        u,a,10,b|a|c,2
        u,c,20,c|a,4
        u,x,25,,8
        u,,30,a|b,16

        """;

    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Csv_EveryListedItemIsADisplay_WatchedIfItIsTheRows() => Check(_files.Write("slates.csv", Slates));

    [Fact]
    public void Parquet_ListsOfItems_AreReadAsTextIs() => Check(_files.WriteParquet("slates.parquet", """
        SELECT * FROM (VALUES ('u', 'a', 10, ['b', 'a', 'c'], 2), ('u', 'c', 20, ['c', 'a'], 4), ('u', 'x', 25, NULL, 8), ('u', NULL, 30, ['a', 'b'], 16))
        AS t(session, item, time, shown, price)
        """));

    [Theory]
    [InlineData("price", "slot", "slates.csv line 1: column slot is of single items, and column shown lists many; give one of the two")]
    [InlineData("price", "watched", "slates.csv line 1: column watched is of single items, and column shown lists many; give one of the two")]
    [InlineData("price", "propensity", "slates.csv line 1: column propensity is of single items, and column shown lists many; give one of the two")]
    [InlineData("b|a|c", "b||c", "slates.csv display 2: column item is empty")]
    [InlineData(",10,", ",soon,", "slates.csv display 1: column time: \"soon\" is no time")]
    [InlineData(",2\n", ",2,3\n", "slates.csv line 2: has 6 fields, the header has 5")]
    [InlineData(",4\n", ",-4\n", "slates.csv display 4: --reward price is -4")]
    public void Slates_ThatCannotBe_AreRefusedByPlace(string from, string to, string message)
    {
        var shown = _files.Write("slates.csv", Slates.Replace(from, to, StringComparison.Ordinal));
        var e = Assert.Throws<DataException>(() => Read(shown, usesPropensity: to == "propensity"));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private void Check(string shown)
    {
        var rows = Read(shown).Feedback!.RowsOf(0);
        Assert.Equal([2, 1, 3, 3, 1, 1, 2], rows.Items.ToArray());
        Assert.Equal([0, 0, 0, 1, 1, 2, 2], rows.Steps.ToArray());
        Assert.Equal([1, 2, 3, 1, 2, 1, 2], rows.Slots!.Value.ToArray().Select(s => (int)s));
        Assert.Equal([0, 2, 0, 4, 0, 0, 0], rows.Rewards.ToArray());
    }

    private WatchLog Read(string shown, bool usesPropensity = false) => WatchLogReader.Read(new DataOptions
    {
        Data = [_files.Write("log.csv", "session,item,time\nu,a,10\nu,c,20\nv,b,5\n")],
        Columns = new Dictionary<string, string> { ["user_id"] = "session", ["item_id"] = "item", ["timestamp"] = "time", ["slate_items"] = "shown" },
        Feedback = new FeedbackOptions { Impressions = [shown], Reward = "price", UsesPropensity = usesPropensity },
    });
}
