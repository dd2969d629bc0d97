namespace RecoServe.Trainer.Data;

/// <summary>Loads a log file with columns: <c>user_id, item_id, timestamp</c> and the context columns.</summary>
/// <remarks>
/// A rating matrix has no times, and its order says nothing: a user's events are put in an order by a hash of user and item,
/// so that no model can learn from it. A time is an integer, in the same unit in all files (<see cref="TimeScale"/>), or ISO 8601, without an offset UTC.
/// </remarks>
internal sealed class ColumnEvents
{
    private readonly Workspace _workspace;
    private readonly DataOptions _options;
    private readonly TableFile _table;
    private readonly int _file;
    private readonly string _into;
    private readonly string[] _columns;

    private ColumnEvents(Workspace workspace, TableFile table, int file, DataOptions options, string into)
    {
        (_workspace, _options, _table, _file, _into) = (workspace, options, table, file, into);
        _columns =
        [
            $"{_table.IdColumn(DataOptions.UserColumn, options)} AS \"#user\"",
            $"{_table.IdColumn(DataOptions.ItemColumn, options)} AS \"#item\"",
            $"{(_table.IsMatrix ? "0" : Sql.Name(TimeName))} AS \"#time\"",
            .. options.ContextColumns.Select((column, i) => $"{_table.TextColumn(column, options)} AS \"#c{i}\""),
        ];
    }

    private string TimeName => _options.NameInFiles(DataOptions.TimeColumn);

    /// <summary>Adds the file's events to the table <c>events</c>, or another like it; see <see cref="WatchLogReader"/>.</summary>
    /// <exception cref="DataException">Names the line and the column.</exception>
    public static void Load(Workspace workspace, TableFile table, int file, DataOptions options, string into = "events")
    {
        var events = new ColumnEvents(workspace, table, file, options, into);
        events.Insert();
        events.RefuseBadFields();
        events.RefuseMixedTimes();
        events.RefuseOtherUnit();
        events.RefuseUnfitIds();
    }

    private void Insert()
    {
        var (time, iso) = TimeSql();
        var contexts = string.Concat(_options.ContextColumns.Select((_, i) => $", \"#c{i}\""));
        _table.Execute(() => $"""
            INSERT INTO {_into} SELECT "#user", "#item", {time}, {iso}, {_file}, {(_table.IsMatrix ? "hash(\"#user\", \"#item\") >> 1" : TableFile.Row)}, 0{contexts}
            FROM {_table.Relation(_columns, _options.Where)}
            """, _options.Where, _options.Derived);
    }

    /// <summary>The time as BIGINT, NULL if it is none, and whether it is ISO.</summary>
    private (string Time, string Iso) TimeSql()
    {
        const string IsInteger = "regexp_full_match(\"#time\", '[+-]?[0-9]+')";
        const string Integer = "TRY_CAST(\"#time\" AS BIGINT)";
        const string Iso = "epoch_us(TRY_CAST(\"#time\" AS TIMESTAMPTZ))";
        if (_table.IsMatrix)
            return ("0", "false");
        var type = _table.TypeOf(DataOptions.TimeColumn, _options);
        if (type == "VARCHAR")
            return ($"CASE WHEN {IsInteger} THEN {Integer} ELSE {Iso} END", $"NOT {IsInteger}");
        if (type == "DATE" || type.StartsWith("TIMESTAMP", StringComparison.Ordinal))
            return (Iso, "true");
        return TableFile.IsInteger(type)
            ? (Integer, "false")
            : throw _table.Fault(0, $"column {TimeName} is {type}; it must be integer, TIMESTAMP, DATE or text");
    }

    private void RefuseBadFields()
    {
        string[] bad = ["coalesce(user_id, '') = ''", "coalesce(item_id, '') = ''", "time IS NULL"];
        string[] names = [DataOptions.UserColumn, DataOptions.ItemColumn, DataOptions.TimeColumn];
        var query = $"""
            SELECT row, {bad[0]}, {bad[1]} FROM {_into} WHERE file = {_file} AND ({string.Join(" OR ", bad)}) ORDER BY row LIMIT 1
            """;
        foreach (var (row, column) in _workspace.Query(query, r => (r.GetInt64(0), r.GetBoolean(1) ? 0 : r.GetBoolean(2) ? 1 : 2)).ToList())
        {
            var name = _options.NameInFiles(names[column]);
            var value = column == 2 ? RawTime(row) : null;
            throw _table.Fault(row, string.IsNullOrEmpty(value)
                ? $"column {name} is empty; every event needs one"
                : $"column {name}: \"{value}\" is no time; it must be an integer or ISO 8601, as 2026-01-31T20:15:00Z");
        }
    }

    /// <summary>Files before this one were consistent, so it is this one where the other kind begins.</summary>
    private void RefuseMixedTimes()
    {
        var query = $"""
            SELECT row FROM {_into} WHERE file = {_file} AND iso <> (SELECT iso FROM events ORDER BY file, row LIMIT 1)
            ORDER BY row LIMIT 1
            """;
        foreach (var row in _workspace.Query(query, r => r.GetInt64(0)).ToList())
        {
            throw _table.Fault(row, $"column {TimeName}: \"{RawTime(row)}\" is of another kind than the first event's; "
                + "all times must be integers, or all ISO 8601");
        }
    }

    /// <summary>A file of seconds beside one of milliseconds would stand in the wrong place without a word.</summary>
    private void RefuseOtherUnit()
    {
        List<(long Row, double Time)> Largest(string rows) => [.. _workspace.Query(
            $"SELECT row, abs(CAST(time AS DOUBLE)) FROM {rows} AND NOT iso ORDER BY 2 DESC, row LIMIT 1", r => (r.GetInt64(0), r.GetDouble(1)))];

        foreach (var (first, own) in Largest("events WHERE file = (SELECT min(file) FROM events)").Zip(Largest($"{_into} WHERE file = {_file}")))
        {
            var (unit, ownUnit) = (TimeScale.Of(first.Time).Unit, TimeScale.Of(own.Time).Unit);
            if (unit != ownUnit)
            {
                throw _table.Fault(own.Row, $"column {TimeName}: \"{RawTime(own.Row)}\", the file's largest, is in {ownUnit}; "
                    + $"the times of the first file are in {unit}, and so must be those of all files");
            }
        }
    }

    private void RefuseUnfitIds()
    {
        var query = $"""
            SELECT row, item_id FROM {_into} WHERE file = {_file} AND {CatalogueText.IsUnfit("item_id")} ORDER BY row LIMIT 1
            """;
        foreach (var (row, id) in _workspace.Query(query, r => (r.GetInt64(0), r.GetString(1))).ToList())
            throw _table.Fault(row, $"column {_options.NameInFiles(DataOptions.ItemColumn)}: {CatalogueText.ProblemOf(id)}");
    }

    private string? RawTime(long row) =>
        _workspace.Query(
            $"SELECT CAST(\"#time\" AS VARCHAR) FROM {_table.Relation(_columns, where: null)} WHERE {TableFile.Row} = {row}",
            r => r.IsDBNull(0) ? null : r.GetString(0)).Single();
}
