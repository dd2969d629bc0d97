using System.CommandLine;

namespace RecoServe.Trainer.Data;

/// <summary>The command line's form of <see cref="DataOptions"/>, the same for every command that reads a log.</summary>
internal sealed class DataCommandOptions
{
    private const StringSplitOptions TrimmedParts = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;

    private readonly Option<string[]> _data = new("--data")
    {
        Description = "Log files or patterns: .txt (user and item a line), or .csv, .tsv, .parquet with user_id, item_id, timestamp, or .ascii (a rating matrix)",
        HelpName = "FILE",
        Required = true,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> _testData = new("--test-data")
    {
        Description = "Log files whose events are the test targets, where a log comes with a test set of its own",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _items = new("--items")
    {
        Description = "CSV, TSV, Parquet or JSON with item_id; every further column is an attribute (category, channel, title …)",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _context = new("--context")
    {
        Description = "Columns of the log to use as request context, separated by commas",
        HelpName = "COLUMNS",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> _columns = new("--column")
    {
        Description = "Our name of a column and the files' name for it, for example item_id=video_id",
        HelpName = "OURS=THEIRS",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> _derived = new("--derive")
    {
        Description = "A context column that is computed, for example \"hour=(timestamp::BIGINT // 3600) % 24\" with --context hour; columns of CSV are text",
        HelpName = "NAME=SQL",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string[]> _separators = new("--separator")
    {
        Description = "What separates several values of an attribute where that is not |, for example category=,",
        HelpName = "ATTRIBUTE=TEXT",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _where = new("--where")
    {
        Description = "Keep only events for which this SQL condition on the log's columns holds, for example \"long_view = 1\"",
        HelpName = "SQL",
    };

    private readonly Option<int> _minItemCount = new("--min-item-count")
    {
        Description = "Leave out items with fewer events than this, in turns with --min-user-count until both hold",
        HelpName = "COUNT",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<int> _minUserCount = new("--min-user-count")
    {
        Description = "Leave out users with fewer events than this",
        HelpName = "COUNT",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string?> _memoryLimit = new("--memory-limit")
    {
        Description = "What reading may hold in memory before it spills to disk, for example 4GB; default: half of the machine's",
        HelpName = "SIZE",
    };

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_data, _testData, _items, _context, _columns, _derived, _separators, _where, _minItemCount, _minUserCount, _memoryLimit])
            command.Options.Add(option);
    }

    /// <summary>What the user gave.</summary>
    /// <exception cref="DataException">A pair has no <c>=</c>, or a name stands twice.</exception>
    public DataOptions Bind(ParseResult result) => new()
    {
        Data = result.GetRequiredValue(_data),
        TestData = result.GetValue(_testData) ?? [],
        Items = result.GetValue(_items),
        ContextColumns = [.. (result.GetValue(_context) ?? []).SelectMany(names => names.Split(',', TrimmedParts))],
        Columns = Pairs(result, _columns),
        Derived = Pairs(result, _derived),
        Separators = Pairs(result, _separators),
        Where = result.GetValue(_where),
        MinItemCount = result.GetValue(_minItemCount),
        MinUserCount = result.GetValue(_minUserCount),
        MemoryLimit = result.GetValue(_memoryLimit),
    };

    private static Dictionary<string, string> Pairs(ParseResult result, Option<string[]> option)
    {
        Dictionary<string, string> pairs = [];
        foreach (var pair in result.GetValue(option) ?? [])
        {
            var at = pair.IndexOf('=', StringComparison.Ordinal);
            if (at < 1 || at == pair.Length - 1)
                throw new DataException($"{option.Name} {pair}: must be {option.HelpName}");
            if (!pairs.TryAdd(pair[..at], pair[(at + 1)..]))
                throw new DataException($"{option.Name} {pair}: {pair[..at]} is given twice");
        }

        return pairs;
    }
}
