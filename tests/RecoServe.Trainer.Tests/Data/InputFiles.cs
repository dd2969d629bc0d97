using System.Text;
using DuckDB.NET.Data;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Data;

/// <summary>Input files of one test, in a directory that goes with it.</summary>
internal sealed class InputFiles : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("recotrain-tests-");

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    public string Write(string name, byte[] content)
    {
        File.WriteAllBytes(PathOf(name), content);
        return PathOf(name);
    }

    public string WriteParquet(string name, string query)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"COPY ({query}) TO '{PathOf(name)}' (FORMAT parquet)";
        command.ExecuteNonQuery();
        return PathOf(name);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    /// <summary>"user: item item …" for each user, in user order, by external ids.</summary>
    public static string[] Histories(WatchLog log) =>
        [.. Enumerable.Range(0, log.UserCount).Select(u => $"{log.UserId(u)}: {string.Join(' ', log.ItemsOf(u).ToArray().Select(log.Catalogue.IdOf))}")];

    /// <summary>The item ids in index order.</summary>
    public static string[] Items(WatchLog log) => [.. Enumerable.Range(1, log.Catalogue.Count).Select(log.Catalogue.IdOf)];

    /// <summary>The codes of all events of a context column, in order.</summary>
    public static ushort[] Codes(WatchLog log, int field) =>
        [.. Enumerable.Range(0, log.UserCount).SelectMany(u => log.ContextOf(u, field).ToArray())];
}
