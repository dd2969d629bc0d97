using RecoServe.Engine.Packages;

namespace RecoServe.Trainer.Data;

/// <summary>
/// Reads a watch log of any size: DuckDB types, filters, joins and sorts it, spilling to disk if need be, and the result is
/// streamed into the columns of a <see cref="WatchLog"/>.
/// </summary>
/// <remarks>
/// <para>The rules of order, so that equal input gives equal indexes:</para>
/// <list type="number">
/// <item>Users: text in order of first appearance, files with columns by <c>user_id</c> in byte order.</item>
/// <item>Events of a user: those of test data last; by time, equal times (and text, which has none) in order of the files.</item>
/// <item>Items 1…N: those with at least one event in the k-core; by number if all ids are integers, else in byte order. An item that only
/// the items file has is left out: nothing could be learnt about it.</item>
/// <item>Context values: by count downwards, then in byte order; beyond 65,535, and empty, they are unknown.</item>
/// </list>
/// <para>Tables: <c>events</c> (user_id, item_id, time, iso, file, row, part, c0, c1, …), where file, row and part tell the place
/// in the input and ci is the text of context column i; <c>items</c> (item_id, item); <c>users</c> (user_id, user);
/// <c>context0, context1, …</c> (value, code).</para>
/// </remarks>
internal sealed class WatchLogReader
{
    private readonly Workspace _workspace;
    private readonly DataOptions _options;
    private readonly List<TableFile> _tables = [];
    private bool _isText;
    private bool _hasTimes;

    /// <summary>Files from here on are test data.</summary>
    private int _firstTestFile;

    private WatchLogReader(Workspace workspace, DataOptions options) => (_workspace, _options) = (workspace, options);

    /// <summary>Reads the log.</summary>
    /// <exception cref="DataException">A file or an option cannot be used; names the file, the line and the column.</exception>
    public static WatchLog Read(DataOptions options)
    {
        using var workspace = new Workspace(options.MemoryLimit);
        return new WatchLogReader(workspace, options).Read();
    }

    private WatchLog Read()
    {
        var columns = LoadEvents();
        LoadFeedback(columns);
        KCore.Reduce(_workspace, _options.MinItemCount, _options.MinUserCount);
        IndexItems();
        IndexUsers();
        var contexts = _options.ContextColumns.Select(IndexContext).ToArray();
        var catalogue = ReadCatalogue(columns);
        var log = ReadEvents(catalogue, contexts);
        return _options.Feedback.IsAsked
            ? log.With(new FeedbackReader(_workspace, _options.Feedback, log, _firstTestFile).Read())
            : log;
    }

    /// <summary>Fills the table <c>events</c>; returns the column names of all files.</summary>
    private HashSet<string> LoadEvents()
    {
        var files = FilePatterns.Expand(_workspace, [.. _options.Data, .. _options.TestData]);
        _firstTestFile = files.Count - FilePatterns.Expand(_workspace, _options.TestData, mayBeEmpty: true).Count;
        _isText = FilePatterns.IsText(files[0]);
        if (_isText && (_options.Where is not null || _options.ContextColumns.Count > 0))
            throw new DataException($"{files[0]}: text has no columns, so neither a condition nor context columns; use CSV or Parquet");
        if (_options.ContextColumns.Distinct().Count() < _options.ContextColumns.Count)
            throw new DataException($"context columns {string.Join(", ", _options.ContextColumns)}: each may be named once");

        var contexts = string.Concat(_options.ContextColumns.Select((_, i) => $", c{i} VARCHAR"));
        const string Columns = "user_id VARCHAR, item_id VARCHAR, time BIGINT, iso BOOLEAN, file INTEGER, row BIGINT, part BIGINT";
        _workspace.Execute($"CREATE TABLE events ({Columns}{contexts})");
        HashSet<string> columns = [];
        _hasTimes = !_isText;
        for (var file = 0; file < files.Count; file++)
        {
            if (_isText)
            {
                TextEvents.Load(_workspace, files[file], file);
                continue;
            }

            var table = TableFile.Open(_workspace, files[file]);
            ColumnEvents.Load(_workspace, table, file, _options);
            _tables.Add(table);
            columns.UnionWith(table.Columns);
            _hasTimes &= !table.IsMatrix;
        }

        return columns;
    }

    /// <summary>Fills the tables <c>shown</c> and those of <see cref="JudgedRows"/>.</summary>
    private void LoadFeedback(HashSet<string> columns)
    {
        if (!_options.Feedback.IsAsked)
            return;
        if (_isText || !_hasTimes)
            throw new DataException($"{string.Join(", ", _options.Data)}: rewards, propensities and impressions need a log with columns and times");
        var judged = new JudgedRows(_workspace, _options, _tables);
        if (_options.Feedback.Impressions.Count == 0 || _options.Feedback.HorizonSeconds > 0)
        {
            for (var file = 0; file < _tables.Count; file++)
                judged.AddEvents(_tables[file], file);
        }

        _workspace.Execute("CREATE TABLE shown AS FROM events LIMIT 0");
        var shown = FilePatterns.Expand(_workspace, _options.Feedback.Impressions, mayBeEmpty: true);
        for (var file = 0; file < shown.Count; file++)
        {
            var table = TableFile.OpenImpressions(_workspace, shown[file], _options);
            ColumnEvents.Load(_workspace, table, file, _options with { Where = null }, "shown");
            columns.UnionWith(table.Columns);
            judged.AddShown(table, file);
        }
    }

    private void IndexItems()
    {
        _workspace.Execute("CREATE TABLE counted AS SELECT DISTINCT item_id FROM events");
        const string Numeric = "SELECT coalesce(bool_and(regexp_full_match(item_id, '-?[0-9]{1,18}')), false) FROM counted";
        var order = _workspace.Query(Numeric, r => r.GetBoolean(0)).Single() ? "CAST(item_id AS BIGINT), item_id" : "item_id";
        _workspace.Execute($"""
            CREATE TABLE items AS SELECT item_id, CAST(row_number() OVER (ORDER BY {order}) AS INTEGER) AS item FROM counted
            """);
    }

    private void IndexUsers() => _workspace.Execute($"""
        CREATE TABLE users AS
        SELECT user_id, CAST(row_number() OVER (ORDER BY {(_isText ? "first" : "user_id")}) - 1 AS INTEGER) AS user
        FROM (SELECT user_id, min((file, row)) AS first FROM events GROUP BY user_id)
        """);

    private ContextField IndexContext(string key, int i)
    {
        _workspace.Execute($"""
            CREATE TABLE context{i} AS SELECT value, CAST(row_number() OVER (ORDER BY count DESC, value) AS USMALLINT) AS code
            FROM (SELECT c{i} AS value, count(*) AS count FROM events
                  WHERE coalesce(c{i}, '') <> '' GROUP BY value ORDER BY count DESC, value LIMIT {ushort.MaxValue})
            """);
        return new ContextField(key, [.. _workspace.Query($"SELECT value FROM context{i} ORDER BY code", r => r.GetString(0))]);
    }

    private Catalogue ReadCatalogue(HashSet<string> columns)
    {
        var ids = _workspace.Query("SELECT item_id FROM items ORDER BY item", r => r.GetString(0)).ToList();
        if (ids.Count == 0)
        {
            throw new DataException($"{string.Join(", ", _options.Data)}: there are no events"
                + (_options.Where is null ? "" : $" where {_options.Where}")
                + (_options.MinItemCount > 1 ? $" of items with {_options.MinItemCount} or more" : "")
                + (_options.MinUserCount > 1 ? $" of users with {_options.MinUserCount} or more" : ""));
        }

        IReadOnlyDictionary<string, IReadOnlyList<string>> attributes = new Dictionary<string, IReadOnlyList<string>>();
        if (_options.Items is { } items)
        {
            var table = TableFile.Open(_workspace, items);
            columns.UnionWith(table.Columns);
            attributes = ItemFile.Read(_workspace, table, _options);
        }

        RefuseUnknownNames(columns, attributes.Keys);
        return Catalogue.Create(ids, attributes);
    }

    /// <summary>A renaming that renames nothing, or a column that nothing reads, is a slip of the pen that would otherwise go unseen.</summary>
    private void RefuseUnknownNames(HashSet<string> columns, IEnumerable<string> attributes)
    {
        foreach (var (ours, theirs) in _options.Columns)
        {
            if (!columns.Contains(theirs))
                throw new DataException($"--column {ours}={theirs}: no file has a column {theirs}");
        }

        foreach (var (name, expression) in _options.Derived)
        {
            if (name is not (DataOptions.UserColumn or DataOptions.ItemColumn) && !_options.ContextColumns.Contains(name))
                throw new DataException($"--derive {name}={expression}: nothing reads it; --context {name} does");
        }

        foreach (var attribute in _options.Separators.Keys)
        {
            if (!attributes.Contains(attribute))
                throw new DataException($"--separator {attribute}: items have no attribute {attribute}, only {string.Join(", ", attributes)}");
        }
    }

    private WatchLog ReadEvents(Catalogue catalogue, ContextField[] contexts)
    {
        var users = _workspace.Query("SELECT user_id FROM users ORDER BY user", r => r.GetString(0)).ToArray();
        var starts = new long[users.Length + 1];
        using var items = new ColumnWriter<int>();
        using var times = _hasTimes ? new ColumnWriter<long>() : null;
        var codes = contexts.Select(_ => new ColumnWriter<ushort>()).ToArray();
        var testEvents = _options.TestData.Count > 0 ? new int[users.Length] : null;
        var scale = TimeScale.Of(_workspace);
        foreach (var row in _workspace.Query(EventsSql(contexts.Length), r => r))
        {
            var user = row.GetInt32(0);
            items.Add(row.GetInt32(1));
            times?.Add(scale.ToMilliseconds(row.GetInt64(2)));
            testEvents?[user] += row.GetBoolean(3) ? 1 : 0;
            for (var i = 0; i < codes.Length; i++)
                codes[i].Add((ushort)row.GetInt32(i + 4));
            starts[user + 1] = items.Count;
        }

        var columns = Array.ConvertAll(codes, c => c.Complete());
        Array.ForEach(codes, c => c.Dispose());
        return new WatchLog(catalogue, users, starts, items.Complete(), contexts, columns, times?.Complete(), testEvents);
    }

    private string EventsSql(int contexts) => $"""
        SELECT user, item, time, file >= {_firstTestFile} AS test{string.Concat(Enumerable.Range(0, contexts).Select(i => $", CAST(coalesce(context{i}.code, 0) AS INTEGER)"))}
        FROM events JOIN items USING (item_id) JOIN users USING (user_id)
        {string.Join(' ', Enumerable.Range(0, contexts).Select(i => $"LEFT JOIN context{i} ON c{i} = context{i}.value"))}
        ORDER BY user, test, time, file, row, part
        """;
}
