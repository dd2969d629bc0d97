namespace RecoServe.Trainer.Data;

/// <summary>Reads the attributes of items: a file with <c>item_id</c>, every further column being an attribute.</summary>
/// <remarks>Tabs, line breaks and NULs in a field become spaces, because a catalogue file has none.</remarks>
internal static class ItemFile
{
    /// <summary>Reads the file's columns for the items of the table <c>items</c>; see <see cref="WatchLogReader"/>.</summary>
    /// <returns>Our attribute name → one field an item in index order, empty where the file does not name the item.</returns>
    /// <exception cref="DataException">Names the line and the column.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Read(Workspace workspace, TableFile table, DataOptions options)
    {
        var attributes = AttributesOf(table, options);
        if (attributes.Select(CatalogueText.ProblemOf).FirstOrDefault(problem => problem is not null) is { } unfit)
            throw table.Fault(0, $"the column name {unfit}");
        var id = $"{table.IdColumn(DataOptions.ItemColumn, options)} AS \"#item\"";
        var fields = attributes.Select((attribute, i) => $"{FieldSql(table, attribute, options)} AS a{i}");
        table.Execute(() => $"""
            CREATE TABLE item_file AS SELECT {string.Join(", ", fields.Prepend($"\"#item\" AS item_id, {TableFile.Row} AS row"))}
            FROM {table.Relation([id], where: null)}
            """);
        RefuseBadIds(workspace, table, options);

        var columns = attributes.Select(_ => new List<string>()).ToArray();
        var selected = string.Join(", ", attributes.Select((_, i) => $"coalesce(a{i}, '')").Prepend("item"));
        foreach (var row in workspace.Query($"SELECT {selected} FROM items LEFT JOIN item_file USING (item_id) ORDER BY item", r => r))
        {
            for (var i = 0; i < columns.Length; i++)
                columns[i].Add(row.GetString(i + 1));
        }

        return attributes.Zip(columns).ToDictionary(c => c.First, c => (IReadOnlyList<string>)c.Second);
    }

    /// <summary>Our names; a column whose name the options give to another column has none.</summary>
    private static List<string> AttributesOf(TableFile table, DataOptions options)
    {
        var columns = table.Columns.ToList();
        var renamed = options.Columns.Where(c => columns.Contains(c.Value)).ToList();
        return
        [
            .. renamed.Select(c => c.Key).Where(ours => ours != DataOptions.ItemColumn),
            .. columns.Where(c => c != DataOptions.ItemColumn && renamed.TrueForAll(r => r.Key != c && r.Value != c)),
        ];
    }

    private static string FieldSql(TableFile table, string attribute, DataOptions options)
    {
        var text = table.TextColumn(attribute, options);
        if (options.Separators.TryGetValue(attribute, out var separator))
            text = $"regexp_replace({text}, '\\s*' || regexp_escape({Sql.Text(separator)}) || '\\s*', '|', 'g')";
        return CatalogueText.Spaced(text);
    }

    private static void RefuseBadIds(Workspace workspace, TableFile table, DataOptions options)
    {
        var name = options.NameInFiles(DataOptions.ItemColumn);
        const string Bad = """
            SELECT row, coalesce(item_id, ''), first
            FROM (SELECT row, item_id, min(row) OVER (PARTITION BY item_id) AS first FROM item_file)
            WHERE coalesce(item_id, '') = '' OR row > first ORDER BY row LIMIT 1
            """;
        foreach (var (row, id, first) in workspace.Query(Bad, r => (r.GetInt64(0), r.GetString(1), r.GetInt64(2))).ToList())
        {
            throw table.Fault(row, id.Length == 0
                ? $"column {name} is empty; every item needs one"
                : $"column {name}: \"{id}\" stands also on{table.PlaceOf(first)}; each item may stand once");
        }
    }
}
