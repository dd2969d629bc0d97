using System.CommandLine;
using DuckDB.NET.Data;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Commands;
using RecoServe.Trainer.Reports;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Reports;

public sealed class RunReportTests : IDisposable
{
    private static readonly byte[] PngSignature = [0x89, 0x50, 0x4E, 0x47];

    private readonly string _folder = Directory.CreateTempSubdirectory("report").FullName;

    public RunReportTests()
    {
        var run = RunFolder.Create(_folder, TinyLogs.Cycle(), new FitOptions { Dimension = 17 }, new Dictionary<string, string> { ["log"] = "a<b>.txt" });
        File.AppendAllText(Path.Combine(run.Path, "metrics.csv"), "1,2.5,0.1,0.05,1.5,1000,0.005,,,,,,,\n2,2.25,,,1.5,1000,0.0025,,,,,,,\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_EndedRun_IsOneFileWithEverythingInIt()
    {
        RunFolder.Open(_folder).WriteMetrics(new Dictionary<string, double> { ["validation/HR@10"] = 0.25, ["test/HR@10"] = 0.125 });

        var html = File.ReadAllText(RunReport.Write(RunFolder.Open(_folder)));

        Assert.Contains("<td>HR@10<td class=\"n\">0.250000<td class=\"n\">0.125000", html, StringComparison.Ordinal);
        Assert.Contains("<td>log<td>a&lt;b&gt;.txt", html, StringComparison.Ordinal);
        Assert.Contains("<td>dimension<td>17", html, StringComparison.Ordinal);
        Assert.Contains("<td class=\"n\">2.25<td class=\"n\"><td class=\"n\">", html, StringComparison.Ordinal);
        Assert.DoesNotContain("has not ended", html, StringComparison.Ordinal);
        Assert.Equal(3, html.Split("src=\"data:image/png;base64,").Length - 1);
        // Nothing is loaded from anywhere.
        Assert.DoesNotContain("http", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        foreach (var plot in new[] { "loss.png", "validation.png", "learning_rate.png" })
            Assert.Equal(PngSignature, File.ReadAllBytes(Path.Combine(_folder, "plots", plot))[..4]);
    }

    [Fact]
    public void Write_Parquet_HasTheCsvsNumbers()
    {
        RunReport.Write(RunFolder.Open(_folder));

        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT epoch, loss, val_ndcg10, learning_rate FROM '{_folder}/metrics.parquet' ORDER BY epoch";
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());
        Assert.Equal((1, 2.5, 0.05, 0.005), (reader.GetInt32(0), reader.GetDouble(1), reader.GetDouble(2), reader.GetDouble(3)));
        Assert.True(reader.Read());
        Assert.True(reader.IsDBNull(2));
        Assert.False(reader.Read());
    }

    /// <summary>Whoever began to read goes on reading the old file, as a new one took its place.</summary>
    [Theory]
    [InlineData("report.html")]
    [InlineData("plots/loss.png")]
    [InlineData("metrics.parquet")]
    public void Write_FileThatIsRead_TakesThePlaceOfTheOldOne(string file)
    {
        RunReport.Write(RunFolder.Open(_folder));
        var old = File.ReadAllBytes(Path.Combine(_folder, file));
        using var reader = File.OpenRead(Path.Combine(_folder, file));
        File.AppendAllText(Path.Combine(_folder, "metrics.csv"), "3,2,,,1.5,1000,0.0025,,,,,,,\n");

        RunReport.Write(RunFolder.Open(_folder));

        var read = new byte[old.Length + 1];
        Assert.Equal(old.Length, reader.ReadAtLeast(read, read.Length, throwOnEndOfStream: false));
        Assert.Equal(old, read[..^1]);
        Assert.NotEqual(old, File.ReadAllBytes(Path.Combine(_folder, file)));
        Assert.Empty(Directory.GetFiles(_folder, "*.draft", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Command_RunThatHasNotEnded_SaysSo()
    {
        using var output = new StringWriter();

        Assert.Equal(0, await CommandRunner.RunAsync(new RootCommand { ReportCommand.Create() }, ["report", "--run", _folder], output, TextWriter.Null));

        Assert.Equal(Path.Combine(_folder, "report.html"), output.ToString().TrimEnd());
        Assert.Contains("The training has not ended", await File.ReadAllTextAsync(output.ToString().TrimEnd(), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("3,2\n", "line 4 has 2 fields, the header has 14")]
    [InlineData("3,x,,,,,,,,,,,,\n", "line 4: \"x\" is not a number")]
    public void Write_DamagedMetrics_NamesTheLine(string line, string expected)
    {
        File.AppendAllText(Path.Combine(_folder, "metrics.csv"), line);

        Assert.Contains(expected, Assert.Throws<PackageException>(() => RunReport.Write(RunFolder.Open(_folder))).Message, StringComparison.Ordinal);
    }
}
