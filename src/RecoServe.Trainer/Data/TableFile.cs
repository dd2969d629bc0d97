using DuckDB.NET.Data;

namespace RecoServe.Trainer.Data;

/// <summary>One CSV, TSV or Parquet file as a relation in DuckDB, with errors that name its lines.</summary>
internal sealed class TableFile
{
    /// <summary>The relation's column with the record's number in the file, from 1.</summary>
    public const string Row = "\"#row\"";

    private readonly Workspace _workspace;
    private readonly char? _delimiter;
    private readonly List<(string Name, string Type)> _columns;

    private TableFile(Workspace workspace, string path, char? delimiter)
    {
        (_workspace, Path, _delimiter) = (workspace, path, delimiter);
        _columns = delimiter is { } separator ? [.. ReadHeader(separator).Select(name => (name, "VARCHAR"))] : ReadFooter();
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The column names as they stand in the file.</summary>
    public IEnumerable<string> Columns => _columns.Select(c => c.Name);

    /// <summary>Whether this class reads files with this ending.</summary>
    public static bool Takes(string path) => Delimiters.ContainsKey(System.IO.Path.GetExtension(path).ToLowerInvariant());

    private static Dictionary<string, char?> Delimiters { get; } = new() { [".csv"] = ',', [".tsv"] = '\t', [".parquet"] = null };

    /// <summary>Reads the column names.</summary>
    /// <exception cref="DataException">There is no such file, it is empty, or its ending, header or footer cannot be used.</exception>
    public static TableFile Open(Workspace workspace, string path)
    {
        if (!File.Exists(path))
            throw new DataException($"{path}: there is no such file");
        return Delimiters.TryGetValue(System.IO.Path.GetExtension(path).ToLowerInvariant(), out var delimiter)
            ? new TableFile(workspace, path, delimiter)
            : throw new DataException($"{path}: the ending tells the form, and must be {string.Join(", ", Delimiters.Keys)}");
    }

    /// <summary>DuckDB's type of a column; always VARCHAR in CSV.</summary>
    /// <param name="column">Our name.</param>
    /// <param name="options">Tell the name in the file.</param>
    /// <exception cref="DataException">There is no such column; names those there are, and how to rename.</exception>
    public string TypeOf(string column, DataOptions options)
    {
        var theirs = options.NameInFiles(column);
        foreach (var (name, type) in _columns)
        {
            if (name == theirs)
                return type;
        }

        throw Fault(0, $"there is no column {theirs}, only {string.Join(", ", Columns)}; name it with --column {column}=NAME");
    }

    /// <summary>SQL for a column of ids, as text.</summary>
    /// <exception cref="DataException">There is no such column, or its type is not exact: 7 would become 7.0.</exception>
    public string IdColumn(string column, DataOptions options)
    {
        var type = TypeOf(column, options);
        var exact = IsInteger(type) || type is "VARCHAR" or "UUID" || type.StartsWith("ENUM", StringComparison.Ordinal);
        return exact
            ? $"CAST({Sql.Name(options.NameInFiles(column))} AS VARCHAR)"
            : throw Fault(0, $"column {options.NameInFiles(column)} is {type}; ids must be integers or text");
    }

    /// <summary>SQL for a column as text; of a list, its values separated by <c>|</c>.</summary>
    /// <exception cref="DataException">There is no such column.</exception>
    public string TextColumn(string column, DataOptions options)
    {
        var name = Sql.Name(options.NameInFiles(column));
        return TypeOf(column, options).EndsWith("[]", StringComparison.Ordinal)
            ? $"array_to_string({name}, '|')"
            : $"CAST({name} AS VARCHAR)";
    }

    /// <summary>Whether a DuckDB type is one of the integers.</summary>
    public static bool IsInteger(string type) => type.EndsWith("INT", StringComparison.Ordinal) || type.EndsWith("INTEGER", StringComparison.Ordinal);

    /// <summary>The file's records: all columns as text in CSV and as stored in Parquet, <see cref="Row"/>, and the given columns again.</summary>
    /// <param name="more">Further columns, <c>expression AS name</c>.</param>
    /// <param name="where">A condition on columns of the types that DuckDB sees in the file; null for all records.</param>
    public string Relation(IEnumerable<string> more, string? where)
    {
        var source = _delimiter is { } delimiter
            ? $"read_csv({Sql.Text(Path)}, columns = {{{string.Join(", ", Columns.Select(c => $"{Sql.Text(c)}: 'VARCHAR'"))}}}, auto_detect = false, strict_mode = true, {Dialect(delimiter)})"
            : $"read_parquet({Sql.Text(Path)})";
        if (where is null)
            return $"(SELECT row_number() OVER () AS {Row}, {string.Join(", ", more.Append("*"))} FROM {source})";
        var typed = _delimiter is null ? _columns : Describe($"read_csv({Sql.Text(Path)}, sample_size = -1, {Dialect(_delimiter.Value)})");
        var all = typed.Select(c => $"CAST({Sql.Name(c.Name)} AS {c.Type}) AS {Sql.Name(c.Name)}");
        return $"(SELECT * FROM (SELECT row_number() OVER () AS {Row}, {string.Join(", ", more.Concat(all))} FROM {source}) WHERE (\n{where}\n))";
    }

    /// <summary>Runs what reads this file, and turns DuckDB's refusal into a message that names the line.</summary>
    public void Execute(Func<string> sql)
    {
        try
        {
            _workspace.Execute(sql());
        }
        catch (DuckDBException e)
        {
            throw (_delimiter is { } delimiter ? FindFault(delimiter) : null) ?? new DataException($"{Path}: {Workspace.FirstLine(e)}", e);
        }
    }

    /// <summary>An error in a record.</summary>
    /// <param name="row">The record's <see cref="Row"/>; 0 for the header.</param>
    /// <param name="problem">The rest of the message.</param>
    public DataException Fault(long row, string problem) => new($"{Path}{PlaceOf(row)}: {problem}");

    /// <summary>" line 7" in CSV, " row 6" in Parquet; "" for the footer.</summary>
    public string PlaceOf(long row)
    {
        if (_delimiter is not { } delimiter)
            return row == 0 ? "" : $" row {row}";
        var record = 0L;
        foreach (var (line, _, _, _) in CsvRecords.Read(Path, delimiter))
        {
            if (record++ == row)
                return $" line {line}";
        }

        return "";
    }

    private static string Dialect(char delimiter) => $"delim = {Sql.Text(delimiter.ToString())}, quote = '\"', escape = '\"', header = true";

    private List<(string Name, string Type)> Describe(string source) =>
        [.. _workspace.Query($"DESCRIBE SELECT * FROM {source}", r => (r.GetString(0), r.GetString(1)))];

    private List<(string Name, string Type)> ReadFooter()
    {
        try
        {
            return Describe($"read_parquet({Sql.Text(Path)})");
        }
        catch (DuckDBException e)
        {
            throw new DataException($"{Path}: {Workspace.FirstLine(e)}", e);
        }
    }

    private List<string> ReadHeader(char delimiter)
    {
        foreach (var header in CsvRecords.Read(Path, delimiter))
        {
            if (header.Problem is not null || header.Fields is [""])
                throw new DataException($"{Path} line 1: {header.Problem ?? "is blank; the first line must name the columns"}");
            var names = header.Fields.Select((name, i) => name.Length == 0 ? $"column{i + 1}" : name).ToList();
            var twice = names.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1);
            return twice is null ? names : throw new DataException($"{Path} line 1: two columns are named {twice.Key}; each name may stand once");
        }

        throw new DataException($"{Path} is empty; the first line must name the columns");
    }

    private DataException? FindFault(char delimiter)
    {
        string? lineEnd = null;
        foreach (var (line, fields, end, problem) in CsvRecords.Read(Path, delimiter))
        {
            lineEnd ??= end;
            var fault = problem
                ?? (fields.Count != _columns.Count ? $"has {fields.Count} fields, the header has {_columns.Count}" : null)
                ?? (end.Length > 0 && end != lineEnd ? $"ends with {end}, line 1 with {lineEnd}; all must end alike" : null);
            if (fault is not null)
                return new DataException($"{Path} line {line}: {fault}");
        }

        return null;
    }
}
