namespace RecoServe.Trainer.Data;

/// <summary>
/// Impressions a row a slate: a column lists the items that were shown, first place first, and the row's own item is the one that was watched. Each
/// listed item becomes a row, which is told its slot and whether it was watched.
/// </summary>
internal sealed class SlateRows
{
    private const string Own = "\"#own\"";
    private const string Shown = "\"#shown\"";

    private readonly string _item;
    private readonly string _list;
    private readonly string _slot;
    private readonly string _watched;

    /// <param name="table">A file with <see cref="FeedbackOptions.SlateColumn"/>.</param>
    /// <param name="options">Tell the names in the file.</param>
    /// <exception cref="DataException">The file tells of the slate's rows what the slate itself tells, or its propensities, which are not a row's but an item's.</exception>
    public SlateRows(TableFile table, DataOptions options)
    {
        string[] twice = [FeedbackOptions.WatchedColumn, FeedbackOptions.SlotColumn, .. options.Feedback.UsesPropensity ? [FeedbackOptions.PropensityColumn] : Array.Empty<string>()];
        if (twice.FirstOrDefault(column => table.Has(column, options)) is { } own)
            throw table.Fault(0, $"column {options.NameInFiles(own)} is of single items, and column {options.NameInFiles(FeedbackOptions.SlateColumn)} lists many; give one of the two");
        _item = Sql.Name(options.NameInFiles(DataOptions.ItemColumn));
        (_slot, _watched) = (options.NameInFiles(FeedbackOptions.SlotColumn), options.NameInFiles(FeedbackOptions.WatchedColumn));
        var list = Sql.Name(options.NameInFiles(FeedbackOptions.SlateColumn));
        _list = table.TypeOf(FeedbackOptions.SlateColumn, options).EndsWith("[]", StringComparison.Ordinal)
            ? $"CAST({list} AS VARCHAR[])"
            : $"string_split(nullif(CAST({list} AS VARCHAR), ''), '|')";
    }

    /// <summary>The columns that the rows have besides those of the slates.</summary>
    public IReadOnlyList<(string Name, string Type)> Columns => [(_slot, "INTEGER"), (_watched, "BOOLEAN")];

    /// <summary>SQL for the rows of a relation of slates; a slate that lists nothing has none.</summary>
    public string Of(string slates) => $"""
        (SELECT * EXCLUDE ({Own}, {Shown}) REPLACE ({Shown} AS {_item}), coalesce({Shown} = {Own}, false) AS {Sql.Name(_watched)}
         FROM (SELECT *, CAST({_item} AS VARCHAR) AS {Own}, unnest({_list}) AS {Shown}, CAST(generate_subscripts({_list}, 1) AS INTEGER) AS {Sql.Name(_slot)} FROM {slates}))
        """;
}
