using System.Data.Common;
using System.Globalization;
using DuckDB.NET.Data;

namespace RecoServe.Trainer.Data;

/// <summary>A DuckDB database in memory that spills into a temporary directory of its own, removed on disposal.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly DirectoryInfo _spill = Directory.CreateTempSubdirectory("recotrain-");
    private readonly DuckDBConnection _connection = new("DataSource=:memory:");

    /// <summary>Opens the database.</summary>
    /// <param name="memoryLimit">A size as DuckDB writes it (<c>4GB</c>); null for half of the machine's memory.</param>
    /// <exception cref="DataException">The limit is not a size.</exception>
    public Workspace(string? memoryLimit)
    {
        memoryLimit ??= string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 >> 20}MiB");
        try
        {
            _connection.Open();
            Execute($"SET temp_directory = {Sql.Text(_spill.FullName)}");
            Execute("SET TimeZone = 'UTC'");
            Execute($"SET memory_limit = {Sql.Text(memoryLimit)}");
        }
        catch (DuckDBException e)
        {
            Dispose();
            throw new DataException($"memory limit \"{memoryLimit}\": {FirstLine(e)}", e);
        }
    }

    /// <summary>Runs a statement without an answer.</summary>
    public void Execute(string sql)
    {
        using var command = Command(sql);
        command.ExecuteNonQuery();
    }

    /// <summary>Streams the answer's rows; the reader handed to <paramref name="read"/> is the same object each time.</summary>
    public IEnumerable<T> Query<T>(string sql, Func<DbDataReader, T> read)
    {
        using var command = Command(sql);
        command.UseStreamingMode = true;
        using var reader = command.ExecuteReader();
        while (reader.Read())
            yield return read(reader);
    }

    /// <summary>The first line of DuckDB's message; the rest is advice about its own options.</summary>
    public static string FirstLine(DuckDBException e) => e.Message.AsSpan().TrimStart().ToString().Split('\n')[0].TrimEnd('\r', ' ');

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection.Dispose();
        _spill.Delete(recursive: true);
    }

    private DuckDBCommand Command(string sql)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }
}
