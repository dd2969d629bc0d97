using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class TextEventsTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Read_UserAndItemALine_KeepsTheOrderOfTheFile()
    {
        var log = Read("7 30\n7 4\n\n 2\t100 \r\n7 30\n2 4");

        Assert.Equal(["7: 30 4 30", "2: 100 4"], InputFiles.Histories(log));
        Assert.Equal(["4", "30", "100"], InputFiles.Items(log));
        Assert.Equal([2, 1, 2], log.ItemsOf(0).ToArray());
        Assert.Equal(5, log.EventCount);
        Assert.Empty(log.Catalogue.Attributes);
    }

    [Fact]
    public void Read_OneLineAUser_IsTheSameLog() =>
        Assert.Equal(["b: x z x", "a: y"], InputFiles.Histories(Read("b x z x\na y\n")));

    [Fact]
    public void Read_IdsThatAreNotAllIntegers_OrdersItemsByBytes() =>
        Assert.Equal(["10", "9", "A", "a", "é"], InputFiles.Items(Read("u é\nu a\nu A\nu 9\nu 10\n")));

    [Fact]
    public void Read_QuotesAndCommas_AreOrdinaryCharacters() =>
        Assert.Equal(["\"u: it\"em a,b"], InputFiles.Histories(Read("\"u it\"em\n\"u a,b\n")));

    [Fact]
    public void Read_SeveralFiles_ContinuesUsersInTheOrderGiven()
    {
        string[] data = [_files.Write("2.txt", "u 1\nv 1\n"), _files.Write("1.txt", "w 3\nu 2\n")];

        Assert.Equal(["u: 1 2", "v: 1", "w: 3"], InputFiles.Histories(WatchLogReader.Read(new DataOptions { Data = data })));
    }

    [Fact]
    public void Read_RareItems_AreLeftOutWithTheUsersWhoHaveNoOther()
    {
        var log = WatchLogReader.Read(new DataOptions { Data = [_files.Write("log.txt", "a 1\na 2\nb 3\nc 2\nc 1\n")], MinItemCount = 2 });

        Assert.Equal(["a: 1 2", "c: 2 1"], InputFiles.Histories(log));
        Assert.Equal(["1", "2"], InputFiles.Items(log));
    }

    [Theory]
    [InlineData("1 2\n\n1\n", "line 3: has one field; a line must be \"user item\"")]
    [InlineData("1 2 1000\n1 3 1001\n", "line 1: has more than two fields, but user \"1\" (line 1) has several lines")]
    [InlineData("1 2\n2 2\n1 3\n2 3 4\n", "line 4: has more than two fields, but user \"1\" (line 1) has several lines")]
    [InlineData("1 2\n\n1 a\0b\n", "line 3: item \"a\\0b\" holds a NUL, which a catalogue cannot hold")]
    [InlineData("", ": there are no events")]
    [InlineData(" \n\n", ": there are no events")]
    public void Read_BadText_NamesTheLine(string content, string expected)
    {
        var error = Assert.Throws<DataException>(() => Read(content));

        Assert.StartsWith(_files.PathOf("log.txt"), error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NotUtf8_NamesTheLine()
    {
        var path = _files.Write("log.txt", [.. "1 2\n\n3 \""u8, 0xFF, .. "\n4 5\n"u8]);

        var error = Assert.Throws<DataException>(() => WatchLogReader.Read(new DataOptions { Data = [path] }));

        Assert.Equal($"{path} line 3: is not UTF-8; convert the file", error.Message);
    }

    [Fact]
    public void Read_ConditionOrContext_IsRefused()
    {
        var path = _files.Write("log.txt", "1 2\n");

        DataOptions[] refused = [new() { Data = [path], Where = "true" }, new() { Data = [path], ContextColumns = ["device"] }];
        foreach (var options in refused)
        {
            var error = Assert.Throws<DataException>(() => WatchLogReader.Read(options));
            Assert.Contains("text has no columns", error.Message, StringComparison.Ordinal);
        }
    }

    private WatchLog Read(string content) => WatchLogReader.Read(new DataOptions { Data = [_files.Write("log.txt", content)] });
}
