namespace RecoServe.Trainer.Data;

/// <summary>Which events and items to read, and how their columns are named.</summary>
internal sealed record DataOptions
{
    /// <summary>The log's column for users.</summary>
    public const string UserColumn = "user_id";

    /// <summary>The column for items, in the log and in the items file.</summary>
    public const string ItemColumn = "item_id";

    /// <summary>The log's column for times.</summary>
    public const string TimeColumn = "timestamp";

    /// <summary>Files or glob patterns, one form for all: <c>.txt</c>, or <c>.csv</c>, <c>.tsv</c> and <c>.parquet</c>.</summary>
    public required IReadOnlyList<string> Data { get; init; }

    /// <summary>Files or patterns whose events are a user's last, whatever their times: what is asked for in the test. Of the same form.</summary>
    public IReadOnlyList<string> TestData { get; init; } = [];

    /// <summary>A CSV, TSV or Parquet file with <c>item_id</c>; every further column is an attribute.</summary>
    public string? Items { get; init; }

    /// <summary>The log's columns to take as request context, in the order of a model's context input.</summary>
    public IReadOnlyList<string> ContextColumns { get; init; } = [];

    /// <summary>Our name of a column → its name in the files, where they differ.</summary>
    public IReadOnlyDictionary<string, string> Columns { get; init; } = new Dictionary<string, string>();

    /// <summary>Context column → an expression in DuckDB's SQL on the log's columns as the files name them, in CSV as text.</summary>
    public IReadOnlyDictionary<string, string> Derived { get; init; } = new Dictionary<string, string>();

    /// <summary>Attribute → what separates several values of it in the items file, where that is not <c>|</c>.</summary>
    public IReadOnlyDictionary<string, string> Separators { get; init; } = new Dictionary<string, string>();

    /// <summary>A condition in DuckDB's SQL on the log's columns as the files name them; other events are left out.</summary>
    public string? Where { get; init; }

    /// <summary>
    /// Items with fewer events than this are left out, counted after <see cref="Where"/>; with <see cref="MinUserCount"/> in
    /// turns until both hold (the log's k-core).
    /// </summary>
    public int MinItemCount { get; init; } = 1;

    /// <summary>Users with fewer events than this are left out; see <see cref="MinItemCount"/>.</summary>
    public int MinUserCount { get; init; } = 1;

    /// <summary>What was shown, and how much what came of it is worth.</summary>
    public FeedbackOptions Feedback { get; init; } = new();

    /// <summary>What DuckDB may hold in memory before it spills to disk, for example <c>4GB</c>; null for half of the machine's.</summary>
    public string? MemoryLimit { get; init; }

    /// <summary>The names of <see cref="Data"/> without folders.</summary>
    public string FileNames => string.Join(' ', Data.Select(Path.GetFileName));

    /// <summary>How the files name a column of ours.</summary>
    public string NameInFiles(string column) => Columns.GetValueOrDefault(column, column);
}
