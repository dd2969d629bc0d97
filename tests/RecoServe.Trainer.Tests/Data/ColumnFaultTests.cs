using System.Text;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class ColumnFaultTests : IDisposable
{
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("u,1", "has 2 fields, the header has 3")]
    [InlineData("u,1,2,3", "has 4 fields, the header has 3")]
    [InlineData("u,1,soon", "column timestamp: \"soon\" is no time; it must be an integer or ISO 8601, as 2026-01-31T20:15:00Z")]
    [InlineData("u,1,1.5", "column timestamp: \"1.5\" is no time; it must be an integer or ISO 8601, as 2026-01-31T20:15:00Z")]
    [InlineData("u,1,", "column timestamp is empty; every event needs one")]
    [InlineData("u,,7", "column item_id is empty; every event needs one")]
    [InlineData("\"\",1,7", "column user_id is empty; every event needs one")]
    [InlineData("u,a\tb,7", "column item_id: \"a\\tb\" holds a tab, which a catalogue cannot hold")]
    [InlineData("u,\"a\nb\",7", "column item_id: \"a\\nb\" holds a line break, which a catalogue cannot hold")]
    [InlineData("u,\"a\rb\",7", "column item_id: \"a\\rb\" holds a line break, which a catalogue cannot hold")]
    [InlineData("u,a\0b,7", "column item_id: \"a\\0b\" holds a NUL, which a catalogue cannot hold")]
    [InlineData("u,\"1,7", "opens a quote that is never closed")]
    [InlineData("u,\"1\"0,7", "has text after a closing quote; write a quote inside a quoted field twice")]
    [InlineData("u,1,2026-01-01", "column timestamp: \"2026-01-01\" is of another kind than the first event's; all times must be integers, or all ISO 8601")]
    [InlineData("u,1,7\r", "ends with \\r\\n, line 1 with \\n; all must end alike")]
    public void Read_BadLine_IsNamedByItsPhysicalNumber(string bad, string expected)
    {
        var path = WriteAt1234(Encoding.UTF8.GetBytes(bad));

        Assert.Equal($"{path} line 1234: {expected}", FaultOf(new DataOptions { Data = [path] }));
    }

    [Fact]
    public void Read_NotUtf8_NamesTheLine()
    {
        var path = WriteAt1234([.. "u,"u8, 0xE9, .. ",7"u8]);

        Assert.Equal($"{path} line 1234: is not UTF-8; convert the file", FaultOf(new DataOptions { Data = [path] }));
    }

    [Fact]
    public void Read_BadLineFarDown_IsNamed()
    {
        var content = new StringBuilder("user_id,item_id,timestamp\n");
        for (var i = 0; i < 400_000; i++)
            content.Append("user").Append(i % 1000).Append(",item").Append(i % 99).Append(',').Append(i).Append('\n');
        var path = _files.Write("log.csv", content.Append("u,1,never\n").Append(content).ToString());

        Assert.StartsWith($"{path} line 400002: column timestamp: \"never\"", FaultOf(new DataOptions { Data = [path] }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", " is empty; the first line must name the columns")]
    [InlineData("\nuser_id,item_id,timestamp\n", " line 1: is blank; the first line must name the columns")]
    [InlineData("user_id,item_id,timestamp\n", ": there are no events")]
    [InlineData("user,item_id,timestamp\nu,1,1\n", " line 1: there is no column user_id, only user, item_id, timestamp; name it with --column user_id=NAME")]
    [InlineData("user_id,item_id,Item_ID,timestamp\nu,1,1,1\n", " line 1: two columns are named item_id; each name may stand once")]
    public void Read_BadHeader_SaysWhatIsThere(string content, string expected)
    {
        var path = _files.Write("log.csv", content);

        Assert.Equal(path + expected, FaultOf(new DataOptions { Data = [path] }));
    }

    [Fact]
    public void Read_Options_AreCheckedAgainstTheFiles()
    {
        var options = new DataOptions { Data = [_files.Write("log.csv", "user_id,item_id,timestamp\nu,1,1\n")] };
        var path = options.Data[0];

        Assert.Equal(
            $"{path} line 1: there is no column device, only user_id, item_id, timestamp; name it with --column device=NAME",
            FaultOf(options with { ContextColumns = ["device"] }));
        Assert.Equal(
            "--column category=tag: no file has a column tag",
            FaultOf(options with { Columns = new Dictionary<string, string> { ["category"] = "tag" } }));
        foreach (var where in (string[])["length(", "long_view = 1", "no_function(item_id)", "user_id::INTEGER = 1"])
        {
            var fault = FaultOf(options with { Where = where });
            Assert.StartsWith($"--where {where}: ", fault, StringComparison.Ordinal);
            Assert.EndsWith($"; {path} has the columns user_id, item_id, timestamp", fault, StringComparison.Ordinal);
        }

        Assert.Equal($"{path}: there are no events where false", FaultOf(options with { Where = "false" }));
        Assert.Equal($"{path}: there are no events of items with 2 or more", FaultOf(options with { MinItemCount = 2 }));
        Assert.StartsWith("memory limit \"plenty\"", FaultOf(options with { MemoryLimit = "plenty" }), StringComparison.Ordinal);
    }

    /// <summary>DuckDB calls the first column column0, and leaves out the blanks of the last.</summary>
    [Theory]
    [InlineData("column1 >= 1", 2)]
    [InlineData("\" device\" = 'tv'", 1)]
    public void Read_WhereOnColumnsWithoutNameOrWithBlanks_HasTheirTypes(string where, int events)
    {
        var path = _files.Write("log.csv", ",user_id,item_id,timestamp, device\n0,u,1,1,phone\n1,u,2,2,tv\n10,u,3,3,phone\n");

        Assert.Equal(events, WatchLogReader.Read(new DataOptions { Data = [path], Where = where }).EventCount);
    }

    [Theory]
    [InlineData("(timestamp // 3600) % 24", null)]
    [InlineData("(timestamp // 3600) % 24", "item_id = '1'")]
    [InlineData("no_such", null)]
    [InlineData("device::BIGINT", "timestamp > 0")]
    public void Read_DerivedThatCannotBe_IsNamed(string expression, string? where)
    {
        var path = _files.Write("log.csv", "user_id,item_id,timestamp,device\nu,1,7200,tv\n");
        var options = new DataOptions
        {
            Data = [path],
            ContextColumns = ["minute", "hour"],
            Derived = new Dictionary<string, string> { ["minute"] = "timestamp::BIGINT // 60", ["hour"] = expression },
            Where = where,
        };

        var fault = FaultOf(options);

        Assert.StartsWith($"--derive hour={expression}: ", fault, StringComparison.Ordinal);
        Assert.EndsWith($"; {path} has the columns user_id, item_id, timestamp, device, all text", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Derived_IsAsTheHelpSays_AndRefusedWhereNothingReadsIt()
    {
        var options = new DataOptions
        {
            Data = [_files.Write("log.csv", "user_id,item_id,timestamp\nu,1,7200\n")],
            ContextColumns = ["hour"],
            Derived = new Dictionary<string, string> { ["hour"] = "(timestamp::BIGINT // 3600) % 24" },
        };

        Assert.Equal(["2"], WatchLogReader.Read(options).ContextFields[0].Values);
        Assert.Equal("--derive hour=(timestamp::BIGINT // 3600) % 24: nothing reads it; --context hour does", FaultOf(options with { ContextColumns = [] }));
    }

    [Fact]
    public void Read_Files_MustBeThereAndOfOneForm()
    {
        var csv = _files.Write("log.csv", "user_id,item_id,timestamp\nu,1,1\n");
        var text = _files.Write("log.txt", "u 1\n");
        var json = _files.Write("log.json", "{}");
        var absent = _files.PathOf("absent.csv");

        Assert.Equal($"{absent}: there is no such file", FaultOf(new DataOptions { Data = [absent] }));
        Assert.Equal($"{absent}: there is no such file", FaultOf(new DataOptions { Data = [csv], Items = absent }));
        Assert.Contains("no file has a name like this", FaultOf(new DataOptions { Data = [_files.PathOf("*.parquet")] }), StringComparison.Ordinal);
        Assert.Contains("is a directory; name its files", FaultOf(new DataOptions { Data = [_files.PathOf("")] }), StringComparison.Ordinal);
        Assert.Contains("all files must have one form", FaultOf(new DataOptions { Data = [csv, text] }), StringComparison.Ordinal);
        Assert.Contains("the ending tells the form", FaultOf(new DataOptions { Data = [json] }), StringComparison.Ordinal);
        Assert.Contains("the ending tells the form", FaultOf(new DataOptions { Data = [csv], Items = text }), StringComparison.Ordinal);
        Assert.Contains("is named twice", FaultOf(new DataOptions { Data = [csv, csv] }), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_BadParquet_NamesTheRowOrTheColumn()
    {
        var empty = _files.WriteParquet("null.parquet", "SELECT 'u' AS user_id, nullif(range, 6) AS item_id, 1 AS timestamp FROM range(9)");
        var inexact = _files.WriteParquet("double.parquet", "SELECT 'u' AS user_id, 1.0::DOUBLE AS item_id, 1 AS timestamp");
        var time = _files.WriteParquet("time.parquet", "SELECT 'u' AS user_id, 1 AS item_id, 1.5::DOUBLE AS timestamp");
        var tab = _files.WriteParquet("tab.parquet", "SELECT 'u' AS user_id, if(range = 4, E'a\\tb', 'a') AS item_id, 1 AS timestamp FROM range(9)");
        var text = _files.Write("text.parquet", "user_id,item_id\n");

        Assert.Equal($"{empty} row 7: column item_id is empty; every event needs one", FaultOf(new DataOptions { Data = [empty] }));
        Assert.Equal($"{tab} row 5: column item_id: \"a\\tb\" holds a tab, which a catalogue cannot hold", FaultOf(new DataOptions { Data = [tab] }));
        Assert.Equal($"{inexact}: column item_id is DOUBLE; ids must be integers or text", FaultOf(new DataOptions { Data = [inexact] }));
        Assert.Equal($"{time}: column timestamp is DOUBLE; it must be integer, TIMESTAMP, DATE or text", FaultOf(new DataOptions { Data = [time] }));
        Assert.StartsWith($"{text}: ", FaultOf(new DataOptions { Data = [text] }), StringComparison.Ordinal);
    }

    private string WriteAt1234(byte[] line)
    {
        // Line 1 is the header, 2 and 3 one record, 5 blank: records and lines are numbered differently.
        var before = new StringBuilder("user_id,item_id,timestamp\n\"two\nlines\",1,1\nu,1,1\n\n");
        for (var number = 6; number < 1234; number++)
            before.Append("u,1,").Append(number).Append('\n');
        return _files.Write("log.csv", [.. Encoding.UTF8.GetBytes(before.ToString()), .. line, .. "\nu,1,9\n"u8]);
    }

    private static string FaultOf(DataOptions options) => Assert.Throws<DataException>(() => WatchLogReader.Read(options)).Message;
}
