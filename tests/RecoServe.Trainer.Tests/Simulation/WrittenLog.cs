using System.Data.Common;
using System.Text.Json;
using DuckDB.NET.Data;
using RecoServe.Trainer.Simulation;

namespace RecoServe.Trainer.Tests.Simulation;

/// <summary>A small log as it lies on disk, read back with DuckDB: the tests know nothing of it but the files.</summary>
public sealed class WrittenLog : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("simulated-");

    public WrittenLog()
    {
        Counts = SimulationWriter.Write(
            new SimulationOptions { Users = 1500, Videos = 600, Days = 14 },
            _directory.FullName,
            LogFormat.Parquet,
            force: false,
            progress: null,
            TestContext.Current.CancellationToken);
        Truth = JsonDocument.Parse(File.ReadAllBytes(PathOf("truth.json"))).RootElement;
    }

    internal SimulationCounts Counts { get; }

    internal JsonElement Truth { get; }

    internal string PathOf(string file) => Path.Combine(_directory.FullName, file);

    /// <summary>The rows of a query; <c>{watches}</c> and the like stand for the tables.</summary>
    internal List<T> Query<T>(string sql, Func<DbDataReader, T> read)
    {
        foreach (var table in (string[])["watches", "impressions", "items", "users"])
            sql = sql.Replace($"{{{table}}}", $"'{PathOf(table + ".parquet")}'", StringComparison.Ordinal);
        return QueryFiles(sql, read);
    }

    /// <summary>The single value of a query.</summary>
    internal double Number(string sql) => Query(sql, r => Convert.ToDouble(r.GetValue(0), null)).Single();

    internal static List<T> QueryFiles<T>(string sql, Func<DbDataReader, T> read)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
