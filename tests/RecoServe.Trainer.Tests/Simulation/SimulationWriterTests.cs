using System.Security.Cryptography;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Simulation;

namespace RecoServe.Trainer.Tests.Simulation;

public sealed class SimulationWriterTests : IDisposable
{
    private static readonly SimulationOptions Small = new() { Users = 60, Videos = 200, Days = 7 };

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("simulated-");

    [Theory]
    [InlineData("parquet")]
    [InlineData("csv")]
    public void Write_SameSeed_SameBytes(string format)
    {
        Write("a", Small, Enum.Parse<LogFormat>(format, ignoreCase: true));
        Write("b", Small, Enum.Parse<LogFormat>(format, ignoreCase: true));

        Assert.Equal(6, Hashes("a").Count);
        Assert.Equal(Hashes("a"), Hashes("b"));
    }

    [Fact]
    public void Write_OtherSeed_OtherLog()
    {
        Write("a", Small);
        Write("b", Small with { Seed = 2 });

        Assert.Empty(Hashes("a").Intersect(Hashes("b")));
    }

    [Fact]
    public void Run_OneViewer_DoesNotDependOnTheOthers()
    {
        var all = new WatchSimulation(Small).Run().ToList();
        var alone = new WatchSimulation(Small).Run(41);

        Assert.NotEmpty(alone.Watches);
        Assert.Equal(all[41].Watches, alone.Watches);
        Assert.Equal(all[41].Slates.SelectMany(s => s.Propensities), alone.Slates.SelectMany(s => s.Propensities));
    }

    [Fact]
    public void Write_Csv_HasTheRowsOfTheParquetFile()
    {
        Write("a", Small, LogFormat.Csv);
        Write("b", Small);
        var csv = Path.Combine(_directory.FullName, "a", "watches.csv");
        var parquet = Path.Combine(_directory.FullName, "b", "watches.parquet");

        Assert.StartsWith("user_id,item_id,timestamp,", File.ReadLines(csv).First(), StringComparison.Ordinal);
        var rows = $"FROM read_csv('{csv}', types = {{'impression_id': 'VARCHAR'}})";
        Assert.Equal([0L], WrittenLog.QueryFiles($"SELECT count(*) FROM ({rows} EXCEPT ALL FROM '{parquet}')", r => r.GetInt64(0)));
        Assert.Equal([File.ReadLines(csv).Count() - 1L], WrittenLog.QueryFiles($"SELECT count(*) FROM '{parquet}'", r => r.GetInt64(0)));
    }

    [Fact]
    public void Write_DirectoryNotEmpty_RefusesAndTouchesNothing()
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "a"));
        File.WriteAllText(Path.Combine(_directory.FullName, "a", "mine.txt"), "kept");
        File.WriteAllText(Path.Combine(_directory.FullName, "a", ".mine.partial"), "kept");
        File.WriteAllText(Path.Combine(_directory.FullName, "a", ".watches.csv.partial"), "kept");

        var refused = Assert.Throws<DataException>(() => Write("a", Small));

        Assert.Contains("--force", refused.Message, StringComparison.Ordinal);
        Assert.Equal([".mine.partial", ".watches.csv.partial", "mine.txt"], Files("a"));
    }

    [Fact]
    public void Write_Force_ReplacesTheLogAndNothingElse()
    {
        Write("a", Small);
        File.WriteAllText(Path.Combine(_directory.FullName, "a", "mine.txt"), "kept");
        Write("b", Small with { Seed = 2 });

        Write("a", Small with { Seed = 2 }, force: true);

        Assert.Equal(Files("b").Append("mine.txt").Order(StringComparer.Ordinal), Files("a"));
        Assert.Equal("kept", File.ReadAllText(Path.Combine(_directory.FullName, "a", "mine.txt")));
        Assert.Equal(Hashes("b"), Hashes("a").Where(h => !h.StartsWith("mine", StringComparison.Ordinal)));
    }

    [Fact]
    public void Write_ForceInAnotherFormat_LeavesNoTablesOfTheOld()
    {
        Write("a", Small, LogFormat.Csv);
        File.WriteAllText(Path.Combine(_directory.FullName, "a", "mine.csv"), "kept");
        Write("b", Small);

        Write("a", Small, force: true);

        Assert.Equal(Files("b").Append("mine.csv").Order(StringComparer.Ordinal), Files("a"));
    }

    [Fact]
    public void Write_Cancelled_LeavesNothing()
    {
        using var cancellation = new CancellationTokenSource();
        var atHalf = new Act(() => cancellation.Cancel());

        Assert.Throws<OperationCanceledException>(() =>
            SimulationWriter.Write(
                Small with { Users = 300 }, Path.Combine(_directory.FullName, "a"), LogFormat.Parquet, false, atHalf, cancellation.Token));

        Assert.Empty(_directory.EnumerateFileSystemInfos());
    }

    [Fact]
    public void Write_FailsWhilePublishing_LeavesNoHalfWrittenLog()
    {
        var inTheWay = Directory.CreateDirectory(Path.Combine(_directory.FullName, "a", "demo_users.json"));

        Assert.ThrowsAny<IOException>(() => Write("a", Small, force: true));

        Assert.DoesNotContain("truth.json", Files("a"));
        Assert.DoesNotContain(Files("a"), f => f.EndsWith(".partial", StringComparison.Ordinal));
        Assert.True(inTheWay.Exists);
    }

    [Fact]
    public void Write_AbandonedPartialFiles_AreRemoved()
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "a"));
        File.WriteAllText(Path.Combine(_directory.FullName, "a", ".watches.parquet.partial"), "of a killed run");

        Write("a", Small);

        Assert.Equal(6, Files("a").Count);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private void Write(string name, SimulationOptions options, LogFormat format = LogFormat.Parquet, bool force = false) =>
        SimulationWriter.Write(options, Path.Combine(_directory.FullName, name), format, force, null, TestContext.Current.CancellationToken);

    private List<string> Files(string name) =>
        [.. Directory.EnumerateFiles(Path.Combine(_directory.FullName, name)).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private List<string> Hashes(string name) =>
        [.. Files(name).Select(f => $"{f} {Hash(Path.Combine(_directory.FullName, name, f))}")];

    private static string Hash(string path) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));

    private sealed class Act(Action action) : IProgress<double>
    {
        public void Report(double value) => action();
    }
}
