using DuckDB.NET.Data;

namespace RecoServe.Trainer.Data;

/// <summary>
/// Loads a log without header, columns and times: <c>user item</c> on every line, each user's items in time order; or one
/// line a user, <c>user item item …</c>. Fields are separated by spaces or tabs, blank lines are nothing.
/// </summary>
internal static class TextEvents
{
    /// <summary>Adds the file's events to the table <c>events</c>; see <see cref="WatchLogReader"/>.</summary>
    /// <exception cref="DataException">Names the line.</exception>
    public static void Load(Workspace workspace, string path, int file)
    {
        const string OneColumn = "columns = {'line': 'VARCHAR'}, header = false, delim = '\x01', quote = '', escape = ''";
        var lines = $"read_csv({Sql.Text(path)}, {OneColumn}, auto_detect = false, strict_mode = false)";
        try
        {
            workspace.Execute($"""
                INSERT INTO events (user_id, item_id, time, iso, file, row, part)
                SELECT f[1], unnest(CASE len(f) WHEN 1 THEN [NULL] ELSE f[2:] END), 0, false,
                    {file}, row, unnest(range(greatest(1, len(f) - 1)))
                FROM (SELECT row, string_split_regex(line, '[ \t]+') AS f
                      FROM (SELECT row_number() OVER () AS row, trim(line, E' \t\r') AS line FROM {lines})
                      WHERE line <> '')
                """);
        }
        catch (DuckDBException e)
        {
            // Without quotes and with one column, only the encoding can be wrong.
            var line = CsvRecords.Read(path, '\x01').FirstOrDefault(record => record.Problem is not null);
            var fault = line.Problem is null ? $"{path}: {Workspace.FirstLine(e)}" : $"{path} line {line.Line}: {line.Problem}";
            throw new DataException(fault, e);
        }

        RefuseLoneUsers(workspace, path, file);
        RefuseSecondLines(workspace, path, file);
        RefuseUnfitIds(workspace, path, file);
    }

    private static void RefuseLoneUsers(Workspace workspace, string path, int file)
    {
        var lone = $"SELECT row FROM events WHERE file = {file} AND item_id IS NULL ORDER BY row LIMIT 1";
        foreach (var line in workspace.Query(lone, r => r.GetInt64(0)))
            throw new DataException($"{path} line {line}: has one field; a line must be \"user item\" or \"user item item …\"");
    }

    /// <summary>A line of more than two fields is a user's whole history; a third column, a time say, must not pass for an item.</summary>
    private static void RefuseSecondLines(Workspace workspace, string path, int file)
    {
        var repeated = $"""
            SELECT user_id, min(row), (SELECT min(row) FROM events WHERE file = {file} AND part > 0)
            FROM (SELECT DISTINCT user_id, row FROM events WHERE file = {file} AND (SELECT max(part) FROM events WHERE file = {file}) > 0)
            GROUP BY user_id HAVING count(*) > 1 ORDER BY min(row) LIMIT 1
            """;
        foreach (var (user, first, many) in workspace.Query(repeated, r => (r.GetString(0), r.GetInt64(1), r.GetInt64(2))))
        {
            throw new DataException($"{path} line {many}: has more than two fields, but user \"{user}\" (line {first}) has several lines; "
                + "the file must have \"user item\" on every line, or one line a user");
        }
    }

    private static void RefuseUnfitIds(Workspace workspace, string path, int file)
    {
        var unfit = $"SELECT row, item_id FROM events WHERE file = {file} AND {CatalogueText.IsUnfit("item_id")} ORDER BY row LIMIT 1";
        foreach (var (line, id) in workspace.Query(unfit, r => (r.GetInt64(0), r.GetString(1))))
            throw new DataException($"{path} line {line}: item {CatalogueText.ProblemOf(id)}");
    }
}
