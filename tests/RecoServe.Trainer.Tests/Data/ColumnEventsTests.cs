using System.Text;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

public sealed class ColumnEventsTests : IDisposable
{
    private const string Header = "user_id,item_id,timestamp,device\n";
    private readonly InputFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Read_Csv_SortsUsersByIdAndEventsByTimeThenFileOrder()
    {
        var log = Read("b,x,100,tv\na,y,20,tv\nb,z,9,\nb,y,100,web\na,x,20,web\n\n");

        Assert.Equal(["a: y x", "b: z x y"], InputFiles.Histories(log));
        Assert.Equal(["x", "y", "z"], InputFiles.Items(log));
    }

    [Fact]
    public void Read_ManyEqualTimes_KeepsTheFileOrder()
    {
        const int Events = 300_000;
        var content = new StringBuilder(Header);
        for (var i = 0; i < Events; i++)
            content.Append("u,").Append(i * 7919L % Events).Append(",5,\n");

        var log = Read(content.ToString(), header: "");

        Assert.Equal(Enumerable.Range(0, Events).Select(i => (int)(i * 7919L % Events) + 1), log.ItemsOf(0).ToArray());
    }

    [Fact]
    public void Read_Context_CodesByFrequencyThenName_EmptyIsUnknown()
    {
        var log = Read("u,1,1,web\nu,1,2,tv\nu,2,3,\nu,2,4,tv\nu,3,5,app\n", options => options with { ContextColumns = ["device"] });

        var field = Assert.Single(log.ContextFields);
        Assert.Equal("device", field.Key);
        Assert.Equal(["tv", "app", "web"], field.Values);
        Assert.Equal([3, 1, 0, 1, 2], InputFiles.Codes(log, 0).Select(c => (int)c));
    }

    [Fact]
    public void Read_MoreContextValuesThanCodes_TheRarestAreUnknown()
    {
        var query = "SELECT 'u' AS user_id, 1 AS item_id, range AS timestamp, format('{:05}', range % 65537) AS city FROM range(65537 + 65535)";
        var log = WatchLogReader.Read(new DataOptions { Data = [_files.WriteParquet("log.parquet", query)], ContextColumns = ["city"] });

        Assert.Equal(65_535, log.ContextFields[0].Values.Count);
        var codes = InputFiles.Codes(log, 0);
        Assert.Equal((1, 65_535), (codes[0], codes[65_534]));
        Assert.Equal((0, 0), (codes[65_535], codes[65_536]));
    }

    [Fact]
    public void Read_QuotedFields_AreTakenAsTheyAre()
    {
        var log = Read("\"a,b\",\"say \"\"hi\"\"\",1,\n\"zwei\nZeilen\",ünï,2,\n");

        Assert.Equal(["a,b: say \"hi\"", "zwei\nZeilen: ünï"], InputFiles.Histories(log));
    }

    [Fact]
    public void Read_WindowsLineEndsAndByteOrderMark_AreUnderstood() =>
        Assert.Equal(["u: 1"], InputFiles.Histories(Read("\uFEFFuser_id,item_id,timestamp\r\nu,1,1\r\n", header: "")));

    [Theory]
    [InlineData("2026-01-01T00:00:00Z", "2026-01-01T01:30:00+01:00", "2026-01-01 00:45")]
    [InlineData("9", "10", "100")]
    [InlineData("-5", "1767225600", "1767225600000")]
    public void Read_Times_OrderEvents(string first, string second, string third) =>
        Assert.Equal(["u: 1 2 3"], InputFiles.Histories(Read($"u,3,{third},\nu,2,{second},\nu,1,{first},\n")));

    [Fact]
    public void Read_FilesInDifferentUnits_AreRefused()
    {
        var seconds = _files.Write("a.csv", Header + "u,1,1767225600,\nu,2,1767225700,\n");
        var milliseconds = _files.Write("b.csv", Header + "u,3,1767225650000,\nu,4,9,\n");

        var e = Assert.Throws<DataException>(() => WatchLogReader.Read(new DataOptions { Data = [seconds, milliseconds] }));
        Assert.Equal(
            $"{milliseconds} line 2: column timestamp: \"1767225650000\", the file's largest, is in milliseconds; "
            + "the times of the first file are in seconds, and so must be those of all files",
            e.Message);
    }

    [Fact]
    public void Read_IsoTimesOfAnyYear_AreOfOneUnit() => Assert.Equal(["u: 1 2"], InputFiles.Histories(WatchLogReader.Read(new DataOptions
    {
        Data = [_files.Write("a.csv", Header + "u,1,1970-01-01T00:00:01Z,\n"), _files.Write("b.csv", Header + "u,2,2026-01-01,\n")],
    })));

    [Fact]
    public void Read_TsvAndPatterns_AreReadInNameOrder()
    {
        _files.Write("b.tsv", "item_id\tuser_id\ttimestamp\n2\tu\t1\n");
        _files.Write("a.csv", "user_id,item_id,timestamp\nu,1,1\n");

        Assert.Equal(["u: 1 2"], InputFiles.Histories(WatchLogReader.Read(new DataOptions { Data = [_files.PathOf("*.?sv")] })));
    }

    [Fact]
    public void Read_Parquet_IsTheSameLog()
    {
        const string Query = """
            SELECT * FROM (VALUES (2, 10, TIMESTAMP '2026-01-02', 'tv'), (1, 9, TIMESTAMP '2026-01-01', NULL), (2, 9, TIMESTAMP '2026-01-01', 'web'))
            AS t(user_id, item_id, timestamp, device)
            """;
        var log = WatchLogReader.Read(new DataOptions { Data = [_files.WriteParquet("log.parquet", Query)], ContextColumns = ["device"] });

        Assert.Equal(["1: 9", "2: 9 10"], InputFiles.Histories(log));
        Assert.Equal([0, 2, 1], InputFiles.Codes(log, 0).Select(c => (int)c));
    }

    [Theory]
    [InlineData("TIMESTAMP_S")]
    [InlineData("TIMESTAMP_MS")]
    [InlineData("TIMESTAMP_NS")]
    [InlineData("TIMESTAMPTZ")]
    [InlineData("DATE")]
    [InlineData("VARCHAR")]
    public void Read_ParquetTimeTypes_OrderEvents(string type)
    {
        var query = $"SELECT 'u' AS user_id, i AS item_id, CAST(t AS {type}) AS timestamp FROM (VALUES (2, '2026-01-02'), (1, '2026-01-01')) AS t(i, t)";

        Assert.Equal(["u: 1 2"], InputFiles.Histories(WatchLogReader.Read(new DataOptions { Data = [_files.WriteParquet("log.parquet", query)] })));
    }

    [Theory]
    [InlineData("watched > 0.5", "u: 1 3")]
    [InlineData("device = 'tv' OR item_id = 2 -- a comment", "u: 1 2")]
    public void Read_Where_SeesColumnsWithTheirTypes(string where, string expected)
    {
        const string Content = "user_id,item_id,timestamp,device,watched\nu,1,1,tv,1.0\nu,2,2,,.25\nu,3,3,web,10\n";
        var log = Read(Content, options => options with { Where = where, ContextColumns = ["device"] }, header: "");

        Assert.Equal([expected], InputFiles.Histories(log));
    }

    [Fact]
    public void Read_RenamedColumns_AreFound()
    {
        var columns = new Dictionary<string, string> { ["user_id"] = "viewer", ["item_id"] = "video", ["timestamp"] = "time_ms", ["device"] = "tab" };
        var log = Read("viewer,video,time_ms,tab,item_id\nu,1,1,7,x\n", options => options with { Columns = columns, ContextColumns = ["device"] }, header: "");

        Assert.Equal(["u: 1"], InputFiles.Histories(log));
        Assert.Equal(("device", "7"), (log.ContextFields[0].Key, log.ContextFields[0].Values[0]));
    }

    private WatchLog Read(string content, Func<DataOptions, DataOptions>? change = null, string header = Header)
    {
        var options = new DataOptions { Data = [_files.Write("log.csv", header + content)] };
        return WatchLogReader.Read(change?.Invoke(options) ?? options);
    }
}
