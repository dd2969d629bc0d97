namespace RecoServe.Trainer.Data;

/// <summary>Reads a <see cref="FeedbackLog"/> from the tables of <see cref="WatchLogReader"/> and <see cref="JudgedRows"/>.</summary>
internal sealed class FeedbackReader
{
    private readonly Workspace _workspace;
    private readonly FeedbackOptions _options;
    private readonly WatchLog _log;
    private readonly TimeScale _scale;
    private readonly string _isTest;
    private readonly string _contexts;
    private readonly string _contextJoins;

    /// <param name="workspace">Holds the tables; with impressions also <c>shown</c>, which is as <c>events</c>.</param>
    /// <param name="options">What is read.</param>
    /// <param name="log">The watches that were read from there.</param>
    /// <param name="firstTestFile">Files from here on are test data: they come after everything, and no state has seen them.</param>
    public FeedbackReader(Workspace workspace, FeedbackOptions options, WatchLog log, int firstTestFile)
    {
        (_workspace, _options, _log, _scale) = (workspace, options, log, TimeScale.Of(workspace));
        _isTest = $"file >= {firstTestFile}";
        var fields = Enumerable.Range(0, log.ContextFields.Count).ToArray();
        _contexts = string.Concat(fields.Select(i => $", CAST(coalesce(context{i}.code, 0) AS INTEGER)"));
        _contextJoins = string.Join(' ', fields.Select(i => $"LEFT JOIN context{i} ON c{i} = context{i}.value"));
    }

    /// <summary>Reads the rows.</summary>
    public FeedbackLog Read()
    {
        using var rows = new FeedbackColumns(_log.UserCount, _log.ContextFields.Count);
        using var watches = _options.HorizonSeconds > 0 ? ReadWatchRewards() : null;
        var returns = new DiscountedReturn(_options.HorizonSeconds * 1000, _options.Discount);
        foreach (var row in _workspace.Query(_options.Impressions.Count > 0 ? ShownSql() : EventsSql(), r => r))
        {
            var (user, step, item, reward) = (row.GetInt32(0), row.GetInt32(1), row.GetInt32(2), row.GetDouble(3));
            var time = _options.KeepsTimes && _log.HasTimes ? _scale.ToMilliseconds(row.GetInt64(6)) : default(long?);
            if (watches is not null && row.GetBoolean(7))
            {
                // The watch that a display led to need not be the next one. One that the log lacks has no place: what follows begins at once.
                var first = step + _log.ItemsOf(user).Span[step..].IndexOf(item) + 1;
                reward += returns.After(_scale.ToMilliseconds(row.GetInt64(6)), first, _log.TimesOf(user).Span, _log.SliceOf(watches, user).Span);
            }

            rows.Add(user, step, item, reward, row.IsDBNull(4) ? null : row.GetDouble(4), row.IsDBNull(5) ? null : row.GetInt32(5), time);
            for (var f = 0; f < _log.ContextFields.Count; f++)
                rows.AddContext(f, (ushort)row.GetInt32(f + 8));
        }

        return rows.ToLog();
    }

    private string EventsSql() => $"""
        SELECT user, CAST(row_number() OVER (PARTITION BY user ORDER BY {_isTest}, time, file, row, part) - 1 AS INTEGER) AS step,
            item, reward, propensity, slot, time, watched{_contexts}
        FROM events JOIN items USING (item_id) JOIN users USING (user_id) JOIN judged_events USING (file, row)
        {_contextJoins}
        ORDER BY user, step
        """;

    /// <summary>The state before a display is that after all watches that began earlier.</summary>
    private string ShownSql() => $"""
        WITH happened AS (
            SELECT user_id, time, 1 AS watch, NULL AS item_id, file, row{Columns("NULL")} FROM events WHERE NOT {_isTest}
            UNION ALL
            SELECT user_id, time, 0, item_id, file, row{Columns(null)} FROM shown),
        placed AS (
            SELECT *, CAST(sum(watch) OVER (PARTITION BY user_id ORDER BY time, watch ROWS UNBOUNDED PRECEDING) AS INTEGER) AS step
            FROM happened)
        SELECT user, step, item, reward, propensity, slot, time, watched{_contexts}
        FROM placed JOIN items USING (item_id) JOIN users USING (user_id) JOIN judged_shown USING (file, row)
        {_contextJoins}
        WHERE watch = 0
        ORDER BY user, step, time, file, row
        """;

    private string Columns(string? value) =>
        string.Concat(Enumerable.Range(0, _log.ContextFields.Count).Select(i => $", {value ?? $"c{i}"}{(value is null ? "" : $" AS c{i}")}"));

    /// <summary>The reward of every watch, in the order of the log.</summary>
    private Column<float> ReadWatchRewards()
    {
        if (!_log.HasTimes)
            throw new DataException("--reward-horizon: the log has no times");
        using var rewards = new ColumnWriter<float>();
        foreach (var reward in _workspace.Query(EventsSql(), r => (float)r.GetDouble(3)))
            rewards.Add(reward);
        return rewards.Complete();
    }
}
