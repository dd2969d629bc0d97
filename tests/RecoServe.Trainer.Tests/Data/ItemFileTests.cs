using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class ItemFileTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Read_Attributes_FollowTheItemsOfTheLog()
    {
        var items = _files.Write("items.csv", "title,item_id,category,language\n\"One, two\",2,news|sport,de\nNever watched,9,film,en\nBreak\there\0,1,,en\n");
        var catalogue = Read("u 2\nu 1\nu 3\n", items).Catalogue;

        Assert.Equal(3, catalogue.Count);
        Assert.Equal(["Break here ", "One, two", ""], Enumerable.Range(1, 3).Select(catalogue.TitleOf));
        Assert.Equal(["category", "language"], catalogue.Attributes.Keys);
        Assert.Equal(["news", "sport"], catalogue.Attributes["category"].ValuesOf(2));
        Assert.Empty(catalogue.Attributes["category"].ValuesOf(1));
        Assert.Empty(catalogue.Attributes["language"].ValuesOf(3));
        Assert.True(catalogue.Attributes["category"].ItemsWith("film").IsEmpty);
    }

    [Fact]
    public void Read_RenamedAndSeparated_BecomesOurAttributes()
    {
        var items = _files.Write("items.tsv", "video_id\ttag\tauthor\titem_id\n1\t39, 12\tx\tother\n");
        var catalogue = Read("u 1\n", items, options => options with
        {
            Columns = new Dictionary<string, string> { ["item_id"] = "video_id", ["category"] = "tag" },
            Separators = new Dictionary<string, string> { ["category"] = "," },
        }).Catalogue;

        Assert.Equal(["author", "category"], catalogue.Attributes.Keys);
        Assert.Equal(["39", "12"], catalogue.Attributes["category"].ValuesOf(1));
    }

    [Fact]
    public void Read_ParquetLists_AreSeveralValues()
    {
        var items = _files.WriteParquet("items.parquet", "SELECT 1 AS item_id, ['a', 'b'] AS category, true AS premium");
        var catalogue = Read("u 1\n", items).Catalogue;

        Assert.Equal(["a", "b"], catalogue.Attributes["category"].ValuesOf(1));
        Assert.Equal(["true"], catalogue.Attributes["premium"].ValuesOf(1));
    }

    [Theory]
    [InlineData("item_id,title\n1,a\n\n2,b\n1,c\n", " line 5: column item_id: \"1\" stands also on line 2; each item may stand once")]
    [InlineData("item_id,title\n1,a\n,b\n", " line 3: column item_id is empty; every item needs one")]
    [InlineData("item_id,title\n1,a\n2,b,c\n", " line 3: has 3 fields, the header has 2")]
    [InlineData("item_id,\"a\tb\"\n1,a\n", " line 1: the column name \"a\\tb\" holds a tab, which a catalogue cannot hold")]
    [InlineData("id,title\n1,a\n", " line 1: there is no column item_id, only id, title; name it with --column item_id=NAME")]
    [InlineData("item_id\n1\n\n2\n", " line 3: column item_id is empty; every item needs one")]
    public void Read_BadItems_NamesTheLine(string content, string expected)
    {
        var items = _files.Write("items.csv", content);

        Assert.Equal(items + expected, Assert.Throws<DataException>(() => Read("u 1\n", items)).Message);
    }

    [Fact]
    public void Read_SeparatorOfNoAttribute_IsRefused()
    {
        var items = _files.Write("items.csv", "item_id,genre\n1,a\n");
        var separators = new Dictionary<string, string> { ["category"] = "," };

        var error = Assert.Throws<DataException>(() => Read("u 1\n", items, options => options with { Separators = separators }));

        Assert.Equal("--separator category: items have no attribute category, only genre", error.Message);
    }

    private WatchLog Read(string log, string items, Func<DataOptions, DataOptions>? change = null)
    {
        var options = new DataOptions { Data = [_files.Write("log.txt", log)], Items = items };
        return WatchLogReader.Read(change?.Invoke(options) ?? options);
    }
}
