using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace RecoServe.Trainer.Data;

/// <summary>One file with columns as a relation in DuckDB, with errors that name its lines.</summary>
/// <remarks>
/// CSV, TSV and Parquet have their own columns. A rating matrix (<c>.ascii</c>: a line a user, a number an item, 0 for none)
/// has user_id and item_id, both from 1, and rating. A JSON object (<c>.json</c>: item id → a list of values) has item_id and
/// category.
/// </remarks>
internal sealed class TableFile
{
    /// <summary>The relation's column with the record's number in the file, from 1.</summary>
    public const string Row = "\"#row\"";

    private readonly Workspace _workspace;
    private readonly CsvFile? _csv;
    private readonly List<(string Name, string Type)> _columns;
    private readonly SlateRows? _slates;

    private TableFile(Workspace workspace, string path, char? delimiter)
    {
        (_workspace, Path) = (workspace, path);
        IsMatrix = EndingOf(path) == ".ascii";
        if (IsMatrix)
            RatingMatrix.Require(path);
        _csv = delimiter is { } separator ? new CsvFile(path, separator) : null;
        _columns = _csv is null ? ReadFooter() : _csv.ReadHeader().ConvertAll(name => (name, "VARCHAR"));
    }

    private TableFile(TableFile slates, SlateRows rows) =>
        (_workspace, Path, _csv, _columns, _slates) = (slates._workspace, slates.Path, slates._csv, [.. slates._columns, .. rows.Columns], rows);

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>The column names as they stand in the file.</summary>
    public IEnumerable<string> Columns => _columns.Select(c => c.Name);

    /// <summary>Whether the file is a rating matrix: its events have neither times nor an order.</summary>
    public bool IsMatrix { get; }

    private static Dictionary<string, char?> Delimiters { get; } =
        new() { [".csv"] = ',', [".tsv"] = '\t', [".parquet"] = null, [".ascii"] = null, [".json"] = null };

    /// <summary>Whether this class reads logs with this ending.</summary>
    public static bool Takes(string path) => EndingOf(path) != ".json" && Delimiters.ContainsKey(EndingOf(path));

    /// <summary>Reads the column names.</summary>
    /// <exception cref="DataException">There is no such file, it is empty, or its ending, header or footer cannot be used.</exception>
    public static TableFile Open(Workspace workspace, string path)
    {
        if (!File.Exists(path))
            throw new DataException($"{path}: there is no such file");
        return Delimiters.TryGetValue(EndingOf(path), out var delimiter)
            ? new TableFile(workspace, path, delimiter)
            : throw new DataException($"{path}: the ending tells the form, and must be {string.Join(", ", Delimiters.Keys)}");
    }

    /// <summary>The same of a file of impressions, whose rows may be slates; see <see cref="SlateRows"/>.</summary>
    /// <exception cref="DataException">As above, or it has columns that a file of slates cannot have.</exception>
    public static TableFile OpenImpressions(Workspace workspace, string path, DataOptions options)
    {
        var table = Open(workspace, path);
        return table.Has(FeedbackOptions.SlateColumn, options) ? new TableFile(table, new SlateRows(table, options)) : table;
    }

    /// <summary>DuckDB's type of a column; always VARCHAR in CSV.</summary>
    /// <param name="column">Our name.</param>
    /// <param name="options">Tell the name in the file.</param>
    /// <exception cref="DataException">There is no such column; names those there are, and how to rename.</exception>
    public string TypeOf(string column, DataOptions options)
    {
        if (options.Derived.ContainsKey(column))
            return "VARCHAR";
        var theirs = options.NameInFiles(column);
        foreach (var (name, type) in _columns)
        {
            if (name == theirs)
                return type;
        }

        throw Fault(0, $"there is no column {theirs}, only {string.Join(", ", Columns)}; name it with --column {column}=NAME");
    }

    /// <summary>Whether the file has a column.</summary>
    /// <param name="column">Our name.</param>
    /// <param name="options">Tell the name in the file.</param>
    public bool Has(string column, DataOptions options) => Columns.Contains(options.NameInFiles(column));

    /// <summary>SQL for a column of ids, as text.</summary>
    /// <exception cref="DataException">There is no such column, or its type is not exact: 7 would become 7.0.</exception>
    public string IdColumn(string column, DataOptions options)
    {
        var type = TypeOf(column, options);
        var exact = IsInteger(type) || type is "VARCHAR" or "UUID" || type.StartsWith("ENUM", StringComparison.Ordinal);
        return exact
            ? $"CAST({Reference(column, options)} AS VARCHAR)"
            : throw Fault(0, $"column {options.NameInFiles(column)} is {type}; ids must be integers or text");
    }

    /// <summary>SQL for a column as text; of a list, its values separated by <c>|</c>.</summary>
    /// <exception cref="DataException">There is no such column.</exception>
    public string TextColumn(string column, DataOptions options)
    {
        var name = Reference(column, options);
        return TypeOf(column, options).EndsWith("[]", StringComparison.Ordinal)
            ? $"array_to_string({name}, '|')"
            : $"CAST({name} AS VARCHAR)";
    }

    /// <summary>Whether a DuckDB type is one of the integers.</summary>
    public static bool IsInteger(string type) =>
        type.EndsWith("INT", StringComparison.Ordinal) || type.EndsWith("INTEGER", StringComparison.Ordinal);

    /// <summary>The file's records with their <see cref="Row"/>, all columns under their names, and further columns.</summary>
    /// <param name="more">Further columns, <c>expression AS name</c>; in CSV all columns are text to them.</param>
    /// <param name="where">A condition that sees the columns with the types that DuckDB finds in the file; null for all records.</param>
    public string Relation(IEnumerable<string> more, string? where)
    {
        var numbered = $"row_number() OVER () AS {Row}";
        if (where is null)
            return $"(SELECT {string.Join(", ", more.Prepend(numbered).Append("*"))} FROM {Source()})";
        var typed = _csv is null ? _columns : [.. SniffedTypes(_csv), .. _slates?.Columns ?? []];
        var all = typed.Select(c => $"CAST({Sql.Name(c.Name)} AS {c.Type}) AS {Sql.Name(c.Name)}");
        // The line breaks end a comment that the condition may end with.
        return $"(SELECT * FROM (SELECT {string.Join(", ", more.Prepend(numbered).Concat(all))} FROM {Source()}) WHERE (\n{where}\n))";
    }

    /// <summary>Runs what reads this file, and turns DuckDB's refusal into a message that names the line.</summary>
    /// <param name="sql">Makes the statement; called once.</param>
    /// <param name="where">The condition in it, if the user gave one.</param>
    /// <param name="derived">The columns in it that are computed, and how.</param>
    public void Execute(Func<string> sql, string? where = null, IEnumerable<KeyValuePair<string, string>>? derived = null)
    {
        try
        {
            _workspace.Execute(sql());
        }
        catch (DuckDBException e)
        {
            var isOfTheMachine = e.ErrorType is DuckDBErrorType.OutOfMemory or DuckDBErrorType.Io;
            throw _csv?.FindFault() ?? (isOfTheMachine ? null : FindFault(derived ?? [])) ?? new DataException(
                where is null || isOfTheMachine
                    ? $"{Path}: {Workspace.FirstLine(e)}"
                    : $"--where {where}: {Workspace.FirstLine(e)}; {Path} has the columns {string.Join(", ", Columns)}",
                e);
        }
    }

    /// <summary>An error in a record.</summary>
    /// <param name="row">The record's <see cref="Row"/>; 0 for the header.</param>
    /// <param name="problem">The rest of the message.</param>
    public DataException Fault(long row, string problem) => new($"{Path}{PlaceOf(row)}: {problem}");

    /// <summary>" line 7" in CSV, " row 6" in other forms, " display 6" of slates; "" for Parquet's footer, row 0.</summary>
    public string PlaceOf(long row) => _slates is not null && row > 0 ? $" display {row}" : _csv is not null ? $" line {_csv.LineOf(row)}" : row > 0 ? $" row {row}" : "";

    private static string EndingOf(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant();

    private static string Reference(string column, DataOptions options) =>
        options.Derived.TryGetValue(column, out var expression) ? $"({expression})" : Sql.Name(options.NameInFiles(column));

    /// <summary>The first computed column that DuckDB refuses by itself; null if it takes them all.</summary>
    private DataException? FindFault(IEnumerable<KeyValuePair<string, string>> derived)
    {
        foreach (var (name, expression) in derived)
        {
            try
            {
                _workspace.Execute($"SELECT max(CAST(({expression}) AS VARCHAR)) FROM {Source()}");
            }
            catch (DuckDBException e)
            {
                return new DataException($"--derive {name}={expression}: {Workspace.FirstLine(e)}; {Path} has the columns {string.Join(", ", Columns)}{(_csv is null ? "" : ", all text")}", e);
            }
        }

        return null;
    }

    private string Source() => _slates is null ? FileSource() : _slates.Of(FileSource());

    private string FileSource()
    {
        if (IsMatrix)
            return RatingMatrix.Source(Path);
        if (EndingOf(Path) == ".json")
            return $"(SELECT key AS item_id, CAST(value AS VARCHAR[]) AS category FROM (SELECT unnest(map_entries(CAST(CAST(content AS JSON) AS MAP(VARCHAR, JSON))), recursive := true) FROM read_text({Sql.Text(Path)})))";
        if (_csv is null)
            return $"read_parquet({Sql.Text(Path)})";
        var columns = string.Join(", ", _csv.ReadHeader().Select(c => $"{Sql.Text(c)}: 'VARCHAR'"));
        return $"read_csv({Sql.Text(Path)}, columns = {{{columns}}}, auto_detect = false, strict_mode = true, {_csv.Dialect})";
    }

    /// <summary>The columns with the types that DuckDB finds; by their places, as its names are not always the header's (of a column without one, or with blanks).</summary>
    private IEnumerable<(string Name, string Type)> SniffedTypes(CsvFile csv) =>
        csv.ReadHeader().Zip(Describe($"read_csv({Sql.Text(Path)}, sample_size = -1, {csv.Dialect})"), (name, found) => (name, found.Type));

    private List<(string Name, string Type)> ReadFooter()
    {
        try
        {
            return Describe(Source());
        }
        catch (DuckDBException e)
        {
            throw new DataException($"{Path}: {Workspace.FirstLine(e)}", e);
        }
    }

    private List<(string Name, string Type)> Describe(string source) =>
        [.. _workspace.Query($"DESCRIBE SELECT * FROM {source}", r => (r.GetString(0), r.GetString(1)))];
}
