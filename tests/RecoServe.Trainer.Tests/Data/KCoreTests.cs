using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class KCoreTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Read_BothMinima_AreAppliedInTurnsUntilNothingChanges()
    {
        // Item 9 goes first; then user d has one event and goes; then item 4 has one and goes; then user c, then nobody.
        const string Log = "a 1\na 2\nb 1\nb 2\nc 4\nc 1\nd 4\nd 9\n";

        Assert.Equal(["a: 1 2", "b: 1 2"], InputFiles.Histories(Read(Log, items: 2, users: 2)));
        Assert.Equal(["a: 1 2", "b: 1 2", "c: 4 1", "d: 4"], InputFiles.Histories(Read(Log, items: 2, users: 1)));
        Assert.Equal(["a: 1 2", "b: 1 2", "c: 4 1", "d: 4 9"], InputFiles.Histories(Read(Log, items: 1, users: 2)));
    }

    [Fact]
    public void Read_NothingLeft_SaysWhy() => Assert.EndsWith(
        "there are no events of items with 2 or more of users with 3 or more",
        Assert.Throws<DataException>(() => Read("a 1\na 2\nb 1\n", items: 2, users: 3)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Read_TestData_ComesLastWhateverItsTimes_AndMayBringItems()
    {
        var data = _files.Write("log.csv", "user_id,item_id,timestamp\nu,1,50\nu,2,60\nv,1,50\n");
        var test = _files.Write("test.csv", "user_id,item_id,timestamp\nu,3,10\nu,1,5\nw,1,1\n");

        var log = WatchLogReader.Read(new DataOptions { Data = [data], TestData = [test] });

        Assert.Equal(["u: 1 2 1 3", "v: 1", "w: 1"], InputFiles.Histories(log));
        Assert.Equal([2, 0, 1], Enumerable.Range(0, 3).Select(log.TestEventsOf));
        Assert.True(log.HasTestData);
    }

    [Theory]
    [InlineData("1767225600", 1_767_225_600_000)]
    [InlineData("1767225600123", 1_767_225_600_123)]
    [InlineData("1767225600123999", 1_767_225_600_123)]
    [InlineData("1767225600123999999", 1_767_225_600_123)]
    [InlineData("2026-01-01T00:00:00.123999Z", 1_767_225_600_123)]
    [InlineData("-1", -1_000)]
    public void Read_Times_AreMilliseconds(string time, long expected)
    {
        var log = WatchLogReader.Read(new DataOptions { Data = [_files.Write("log.csv", $"user_id,item_id,timestamp\nu,1,{time}\n")] });

        Assert.Equal([expected], log.TimesOf(0).ToArray());
        Assert.Equal(-2, new TimeScale(1_000_000).ToMilliseconds(-1_001));
    }

    [Fact]
    public void Read_Text_HasNoTimes() => Assert.False(Read("a 1\n", 1, 1).HasTimes);

    private WatchLog Read(string content, int items, int users) =>
        WatchLogReader.Read(new DataOptions { Data = [_files.Write("log.txt", content)], MinItemCount = items, MinUserCount = users });
}
