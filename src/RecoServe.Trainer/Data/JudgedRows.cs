using DuckDB.NET.Data;

namespace RecoServe.Trainer.Data;

/// <summary>
/// Fills tables <c>judged_events</c> and <c>judged_shown</c> (file, row, watched, reward, propensity, slot; not_watched and no_slot, the text where it
/// is no truth value or no slot): what the rows of a log's or an impressions' files are worth, from expressions on their columns, the items' and those
/// of the watch that a display led to.
/// </summary>
internal sealed class JudgedRows
{
    private const string Item = "\"#item\"";
    private const string Display = "\"#display\"";
    private const string None = "NULL";

    private readonly Workspace _workspace;
    private readonly DataOptions _options;
    private readonly FeedbackOptions _feedback;
    private readonly List<string> _itemColumns = [];
    private readonly List<string> _watchColumns = [];
    private TableFile? _firstShown;

    /// <param name="workspace">Holds the tables of <see cref="WatchLogReader"/>.</param>
    /// <param name="options">What is read.</param>
    /// <param name="logs">The files of watches.</param>
    /// <exception cref="DataException">The items file cannot be used.</exception>
    public JudgedRows(Workspace workspace, DataOptions options, IReadOnlyList<TableFile> logs)
    {
        (_workspace, _options, _feedback) = (workspace, options, options.Feedback);
        foreach (var table in (string[])["judged_events", "judged_shown"])
            workspace.Execute($"CREATE TABLE {table} (file INTEGER, row BIGINT, watched BOOLEAN, reward DOUBLE, propensity DOUBLE, slot INTEGER, not_watched VARCHAR, no_slot VARCHAR)");
        if (options.Items is { } items)
            _itemColumns = CreateItems(TableFile.Open(workspace, items));
        if (_feedback.Impressions.Count > 0 && logs.All(l => l.Has(FeedbackOptions.ImpressionColumn, options)))
            _watchColumns = CreateWatches(logs);
    }

    /// <summary>Judges a file of watches.</summary>
    /// <exception cref="DataException">Names the line and the column or the expression.</exception>
    public void AddEvents(TableFile table, int file) => Add("judged_events", table, file, _options.Where ?? "true", watched: "true", []);

    /// <summary>Judges a file of impressions: what was not watched is worth 0.</summary>
    /// <exception cref="DataException">Names the line and the column or the expression.</exception>
    public void AddShown(TableFile table, int file)
    {
        RefuseSlotsOfSome(table);
        var joins = _watchColumns.Count > 0 && table.Has(FeedbackOptions.ImpressionColumn, _options);
        var watched = table.Has(FeedbackOptions.WatchedColumn, _options) ? $"coalesce(TRY_CAST({Name(FeedbackOptions.WatchedColumn)} AS BOOLEAN), false)"
            : joins ? "\"#led\""
            : throw table.Fault(0, $"there is no column {_options.NameInFiles(FeedbackOptions.WatchedColumn)}, only {string.Join(", ", table.Columns)}; "
                + $"name it with --column {FeedbackOptions.WatchedColumn}=NAME");
        Add("judged_shown", table, file, "true", watched, joins ? _watchColumns : []);
    }

    private void Add(string into, TableFile table, int file, string where, string watched, List<string> watchColumns)
    {
        List<string> keys = [$"{KeySql(table, DataOptions.ItemColumn)} AS {Item}"];
        if (watchColumns.Count > 0)
            keys.Add($"{KeySql(table, FeedbackOptions.ImpressionColumn)} AS {Display}");
        var relation = table.Relation(keys, where);
        var own = Typed(relation);
        string[] taken = [.. own.Select(c => c.Name)];
        var watches = watchColumns.Except(taken, StringComparer.OrdinalIgnoreCase).ToList();
        var items = _itemColumns.Except(taken.Concat(watches), StringComparer.OrdinalIgnoreCase).ToList();
        var columns = own.Select(c => $"r.{c.Sql}").Concat(watches.Select(c => $"w.{Sql.Name(c)}")).Concat(items.Select(c => $"i.{Sql.Name(c)}"));
        var join = (watchColumns.Count > 0 ? $" LEFT JOIN watch_columns w ON w.\"#key0\" = r.{Display} AND w.\"#key1\" = r.{Item}" : "")
            + (_itemColumns.Count > 0 ? $" LEFT JOIN item_columns i ON i.\"#key0\" = r.{Item}" : "");
        var led = watchColumns.Count > 0 ? "w.\"#key0\" IS NOT NULL" : "false";
        Run(
            table,
            $"""
            INSERT INTO {into}
            SELECT {file}, {TableFile.Row}, {watched}, CASE WHEN {watched} THEN CAST((
            {_feedback.Reward ?? "1"}
            ) AS DOUBLE) ELSE 0 END, {Optional(table, FeedbackOptions.PropensityColumn, "DOUBLE")}, {Optional(table, FeedbackOptions.SlotColumn, "INTEGER")},
                {NoTruthValue(table)}, {NoSlot(table)}
            FROM (SELECT {string.Join(", ", columns)}, {led} AS "#led" FROM {relation} r{join})
            """,
            [.. taken.Where(c => c[0] != '#'), .. watches, .. items]);
        if (into == "judged_shown")
            RefuseBadShown(table, file);
        RefuseBadRewards(into, table, file);
        RefuseBadPropensities(into, table, file);
    }

    private void Run(TableFile table, string sql, IEnumerable<string> columns)
    {
        try
        {
            _workspace.Execute(sql);
        }
        catch (DuckDBException e)
        {
            throw new DataException(
                _feedback.Reward is null
                    ? $"{table.Path}: {Workspace.FirstLine(e)}"
                    : $"--reward {_feedback.Reward}: {Workspace.FirstLine(e)}; there are the columns {string.Join(", ", columns)}",
                e);
        }
    }

    /// <summary>Slots that some displays lack are those of none: see <see cref="FeedbackColumns"/>.</summary>
    private void RefuseSlotsOfSome(TableFile table)
    {
        _firstShown ??= table;
        var has = table.Has(FeedbackOptions.SlotColumn, _options);
        if (has != _firstShown.Has(FeedbackOptions.SlotColumn, _options))
        {
            var (without, with) = has ? (_firstShown, table) : (table, _firstShown);
            throw without.Fault(0, $"there is no column {_options.NameInFiles(FeedbackOptions.SlotColumn)}, and {with.Path} has one; all files of impressions must have it, or none");
        }
    }

    private void RefuseBadShown(TableFile table, int file)
    {
        var bad = $"SELECT row, not_watched, no_slot FROM judged_shown WHERE file = {file} AND (not_watched IS NOT NULL OR no_slot IS NOT NULL) ORDER BY row LIMIT 1";
        foreach (var (row, watched, slot) in _workspace.Query(bad, r => (r.GetInt64(0), r.IsDBNull(1) ? null : r.GetString(1), r.IsDBNull(2) ? null : r.GetString(2))).ToList())
        {
            throw table.Fault(row, watched is not null
                ? $"column {_options.NameInFiles(FeedbackOptions.WatchedColumn)}: \"{watched}\" is no truth value; it must be true or false, or 1 or 0"
                : $"column {_options.NameInFiles(FeedbackOptions.SlotColumn)} is {(slot!.Length == 0 ? "empty" : $"\"{slot}\"")}; a slot is a whole number of 1 or more");
        }
    }

    private void RefuseBadRewards(string into, TableFile table, int file)
    {
        var bad = $"SELECT row, reward FROM {into} WHERE file = {file} AND NOT coalesce(isfinite(reward) AND reward >= 0, false) ORDER BY row LIMIT 1";
        foreach (var (row, value) in _workspace.Query(bad, r => (r.GetInt64(0), r.IsDBNull(1) ? "empty" : $"{r.GetDouble(1)}")).ToList())
            throw table.Fault(row, $"--reward {_feedback.Reward} is {value}; a reward is a number of 0 or more");
    }

    private void RefuseBadPropensities(string into, TableFile table, int file)
    {
        if (!_feedback.UsesPropensity || (into == "judged_events" && _feedback.Impressions.Count > 0))
            return;
        var name = _options.NameInFiles(FeedbackOptions.PropensityColumn);
        if (!table.Has(FeedbackOptions.PropensityColumn, _options))
            throw table.Fault(0, $"there is no column {name}, only {string.Join(", ", table.Columns)}; name it with --column {FeedbackOptions.PropensityColumn}=NAME");
        var bad = $"SELECT row, propensity FROM {into} WHERE file = {file} AND NOT coalesce(propensity > 0 AND propensity <= 1, false) ORDER BY row LIMIT 1";
        foreach (var (row, value) in _workspace.Query(bad, r => (r.GetInt64(0), r.IsDBNull(1) ? "empty" : $"{r.GetDouble(1)}")).ToList())
            throw table.Fault(row, $"column {name} is {value}; a propensity is above 0 and at most 1");
    }

    /// <summary>Makes <c>item_columns</c>: the items' columns typed, and the id as text; returns the columns.</summary>
    private List<string> CreateItems(TableFile table)
    {
        List<(string Name, string Sql)> typed = [];
        table.Execute(() =>
        {
            var relation = table.Relation([$"{KeySql(table, DataOptions.ItemColumn)} AS \"#key0\""], "true");
            typed = [.. Typed(relation).Where(c => c.Name[0] != '#')];
            return $"""
                CREATE TABLE item_columns AS SELECT DISTINCT ON ("#key0") {string.Join(", ", typed.Select(c => c.Sql).Prepend("\"#key0\""))}
                FROM {relation} ORDER BY "#key0", {TableFile.Row}
                """;
        });
        return typed.ConvertAll(c => c.Name);
    }

    /// <summary>
    /// Makes <c>watch_columns</c>: for each display and item the earliest watch that came of it, of those in <c>events</c>, with its columns typed
    /// and the keys as text; returns the columns.
    /// </summary>
    private List<string> CreateWatches(IReadOnlyList<TableFile> logs)
    {
        List<string> columns = [];
        foreach (var (file, table) in logs.Index())
        {
            table.Execute(() =>
            {
                var relation = table.Relation(
                    [$"{KeySql(table, FeedbackOptions.ImpressionColumn)} AS \"#key0\"", $"{KeySql(table, DataOptions.ItemColumn)} AS \"#key1\""], "true");
                var typed = Typed(relation).Where(c => c.Name[0] != '#').ToList();
                columns = file == 0 ? typed.ConvertAll(c => c.Name) : columns;
                var select = $"""
                    SELECT "#key0", "#key1", "#time", {file} AS "#file", {TableFile.Row}, {string.Join(", ", typed.Select(c => c.Sql))}
                    FROM {relation} JOIN (SELECT row AS "#event", time AS "#time" FROM events WHERE file = {file}) ON "#event" = {TableFile.Row}
                    """;
                return file == 0 ? $"CREATE TABLE all_watches AS {select}" : $"INSERT INTO all_watches BY NAME {select}";
            });
        }

        _workspace.Execute("""
            CREATE TABLE watch_columns AS SELECT DISTINCT ON ("#key0", "#key1") * FROM all_watches ORDER BY "#key0", "#key1", "#time", "#file", "#row"
            """);
        _workspace.Execute("DROP TABLE all_watches");
        return columns;
    }

    /// <summary>The columns of a relation: names, and SQL in which truth values are 0 and 1.</summary>
    private List<(string Name, string Sql)> Typed(string relation) =>
        [.. _workspace.Query($"DESCRIBE SELECT * FROM {relation}", r => (Name: r.GetString(0), Type: r.GetString(1)))
            .Select(c => (c.Name, c.Type == "BOOLEAN" ? $"{Sql.Name(c.Name)}::INTEGER AS {Sql.Name(c.Name)}" : Sql.Name(c.Name)))];

    private string Optional(TableFile table, string column, string type) =>
        table.Has(column, _options) ? $"TRY_CAST({Name(column)} AS {type})" : None;

    /// <summary>SQL for the text of <see cref="FeedbackOptions.WatchedColumn"/> where it is neither empty nor a truth value, else NULL.</summary>
    private string NoTruthValue(TableFile table)
    {
        var text = $"nullif(CAST({Name(FeedbackOptions.WatchedColumn)} AS VARCHAR), '')";
        return table.Has(FeedbackOptions.WatchedColumn, _options) ? $"CASE WHEN TRY_CAST({Name(FeedbackOptions.WatchedColumn)} AS BOOLEAN) IS NULL THEN {text} END" : None;
    }

    /// <summary>SQL for the text of <see cref="FeedbackOptions.SlotColumn"/> where it is no place on a slate, else NULL.</summary>
    private string NoSlot(TableFile table)
    {
        var slot = Name(FeedbackOptions.SlotColumn);
        return table.Has(FeedbackOptions.SlotColumn, _options)
            ? $"CASE WHEN NOT coalesce(TRY_CAST({slot} AS INTEGER) >= 1 AND TRY_CAST({slot} AS INTEGER) = TRY_CAST({slot} AS DOUBLE), false) THEN coalesce(CAST({slot} AS VARCHAR), '') END"
            : None;
    }

    /// <summary>A key as the file writes it: typed, 1.10 would be 1.1, and 1e5 a hundred thousand.</summary>
    private string KeySql(TableFile table, string column) =>
        column == DataOptions.ItemColumn ? table.IdColumn(column, _options) : table.TextColumn(column, _options);

    private string Name(string column) => Sql.Name(_options.NameInFiles(column));
}
