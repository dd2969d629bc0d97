namespace RecoServe.Trainer.Data;

/// <summary>Quoting for SQL text. DuckDB takes no parameters where file and column names stand.</summary>
internal static class Sql
{
    /// <summary>A string constant.</summary>
    public static string Text(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A column or table name.</summary>
    public static string Name(string value) => $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
