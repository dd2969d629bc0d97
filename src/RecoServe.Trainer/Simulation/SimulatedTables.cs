using DuckDB.NET.Data;

namespace RecoServe.Trainer.Simulation;

/// <summary>
/// The tables of a simulated log, in a DuckDB database in memory: numbers go in, ids and names come out with the copy to a
/// file. One DuckDB thread, so that equal rows give equal bytes.
/// </summary>
internal sealed class SimulatedTables : IDisposable
{
    /// <summary>The tables that <see cref="Copy"/> writes.</summary>
    public static readonly IReadOnlyList<string> Names = ["items", "users", "watches", "impressions"];

    private readonly DuckDBConnection _connection = new("DataSource=:memory:");
    private readonly DuckDBAppender _users;
    private readonly DuckDBAppender _watches;
    private readonly DuckDBAppender _shown;

    /// <summary>Creates the tables and fills that of the videos.</summary>
    public SimulatedTables(VideoWorld world)
    {
        _connection.Open();
        Execute("""
            SET threads = 1;
            CREATE TABLE item (id VARCHAR, title VARCHAR, category VARCHAR, channel VARCHAR, language VARCHAR, premium BOOLEAN,
                seconds INTEGER, release_day INTEGER, series VARCHAR);
            CREATE TABLE viewer (id VARCHAR, country VARCHAR, languages VARCHAR, devices VARCHAR);
            CREATE TABLE watch (viewer INTEGER, time BIGINT, item INTEGER, device INTEGER, fraction DOUBLE, seconds INTEGER,
                source INTEGER, slate INTEGER);
            CREATE TABLE shown (viewer INTEGER, slate INTEGER, time BIGINT, slot INTEGER, item INTEGER, propensity DOUBLE,
                device INTEGER, watched BOOLEAN);
            """);
        AppendItems(world);
        _users = _connection.CreateAppender("viewer");
        _watches = _connection.CreateAppender("watch");
        _shown = _connection.CreateAppender("shown");
    }

    /// <summary>The id of a video.</summary>
    public static string ItemId(int video) => $"v{video + 1:D5}";

    /// <summary>The id of a viewer.</summary>
    public static string UserId(int viewer) => $"u{viewer + 1:D5}";

    /// <summary>Adds a viewer with all watches and slates.</summary>
    public void Append(ViewerLog log)
    {
        var viewer = log.Viewer;
        _users.CreateRow()
            .AppendValue(UserId(viewer.Index))
            .AppendValue(Market.All[viewer.Country].Country)
            .AppendValue(string.Join('|', viewer.Languages.Select(l => Market.Languages[l])))
            .AppendValue(string.Join('|', viewer.Devices.Select(NameOf)))
            .EndRow();
        foreach (var w in log.Watches)
        {
            _watches.CreateRow()
                .AppendValue(viewer.Index).AppendValue(w.Timestamp).AppendValue(w.Video).AppendValue((int)w.Device)
                .AppendValue(w.Fraction).AppendValue(w.Seconds).AppendValue((int)w.Source).AppendValue(w.Slate)
                .EndRow();
        }

        for (var n = 0; n < log.Slates.Count; n++)
            Append(viewer.Index, n + 1, log.Slates[n]);
    }

    /// <summary>Ends appending.</summary>
    public void Complete()
    {
        _users.Close();
        _watches.Close();
        _shown.Close();
    }

    /// <summary>Writes one of <see cref="Names"/> to a file.</summary>
    public void Copy(string table, string path, LogFormat format)
    {
        var target = path.Replace("'", "''", StringComparison.Ordinal);
        var how = format == LogFormat.Parquet ? "FORMAT parquet, COMPRESSION zstd" : "FORMAT csv, HEADER";
        Execute($"COPY ({Select(table)}) TO '{target}' ({how})");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _users.Dispose();
        _watches.Dispose();
        _shown.Dispose();
        _connection.Dispose();
    }

    internal static string NameOf<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    private void Append(int viewer, int number, SimulatedSlate slate)
    {
        for (var s = 0; s < slate.Videos.Length; s++)
        {
            _shown.CreateRow()
                .AppendValue(viewer).AppendValue(number).AppendValue(slate.Timestamp).AppendValue(s + 1).AppendValue(slate.Videos[s])
                .AppendValue(slate.Propensities[s]).AppendValue((int)slate.Device).AppendValue(s == slate.Watched)
                .EndRow();
        }
    }

    private void AppendItems(VideoWorld world)
    {
        using var items = _connection.CreateAppender("item");
        for (var i = 0; i < world.Videos.Count; i++)
        {
            var video = world.Videos[i];
            items.CreateRow()
                .AppendValue(ItemId(i))
                .AppendValue(video.Title)
                .AppendValue(world.Categories[video.Category].Name)
                .AppendValue(world.Channels[video.Channel].Name)
                .AppendValue(Market.Languages[video.Language])
                .AppendValue(video.Premium)
                .AppendValue(video.DurationSeconds)
                .AppendValue(video.ReleaseDay)
                .AppendValue(video.Series)
                .EndRow();
        }
    }

    private static string Select(string table)
    {
        const string context = "u.country AS country, CAST((time // 3600) % 24 AS INTEGER) AS hour";
        const string users = "JOIN viewer u ON u.rowid = viewer";
        var device = $"{Lookup<Device>()}[device + 1] AS device";
        return table switch
        {
            "items" => """
                SELECT id AS item_id, title, category, channel, language, premium, seconds AS duration_seconds, release_day,
                    nullif(series, '') AS series
                FROM item ORDER BY rowid
                """,
            "users" => "SELECT id AS user_id, country, languages, devices FROM viewer ORDER BY rowid",
            "watches" => $"""
                SELECT u.id AS user_id, i.id AS item_id, time AS timestamp, {device}, {context},
                    fraction AS watch_fraction, w.seconds AS watch_seconds,
                    {Lookup<WatchSource>()}[source + 1] AS source,
                    CASE WHEN slate > 0 THEN u.id || printf('-%04d', slate) END AS impression_id
                FROM watch w {users} JOIN item i ON i.rowid = item ORDER BY viewer, time
                """,
            _ => $"""
                SELECT u.id || printf('-%04d', slate) AS impression_id, u.id AS user_id, time AS timestamp, slot,
                    i.id AS item_id, propensity, {device}, {context}, watched
                FROM shown {users} JOIN item i ON i.rowid = item ORDER BY viewer, slate, slot
                """,
        };
    }

    private static string Lookup<T>() where T : struct, Enum => $"['{string.Join("','", Enum.GetValues<T>().Select(NameOf))}']";

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
