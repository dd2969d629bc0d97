namespace RecoServe.Trainer.Data;

/// <summary>What was shown, and how much what came of it is worth.</summary>
internal sealed record FeedbackOptions
{
    /// <summary>The column for the probability with which an item was shown.</summary>
    public const string PropensityColumn = "propensity";

    /// <summary>The column for an item's place on the slate, from 1.</summary>
    public const string SlotColumn = "slot";

    /// <summary>The impressions' column that says whether the item was watched.</summary>
    public const string WatchedColumn = "watched";

    /// <summary>The impressions' column that lists all items of a slate, first place first, where a row is a slate and not an item of one.</summary>
    public const string SlateColumn = "slate_items";

    /// <summary>The column that leads from a watch to the display that it came from.</summary>
    public const string ImpressionColumn = "impression_id";

    /// <summary>
    /// Files or patterns of what was shown: user_id, item_id, timestamp and watched, with slot, propensity and the context
    /// columns; or slates (<see cref="SlateRows"/>). None: every watch of the log is a row of feedback.
    /// </summary>
    public IReadOnlyList<string> Impressions { get; init; } = [];

    /// <summary>
    /// What a watch is worth: an expression in DuckDB's SQL on the columns of the row, of the watch that a display led to, and
    /// of the item, as the files name them; truth values count 0 and 1. Null: 1.
    /// </summary>
    public string? Reward { get; init; }

    /// <summary>Whether the log's propensities are read.</summary>
    public bool UsesPropensity { get; init; }

    /// <summary>Whether the rows' times are kept.</summary>
    public bool KeepsTimes { get; init; }

    /// <summary>For so many seconds after a row that was watched, what the user watches next counts for it too; 0: no time.</summary>
    public double HorizonSeconds { get; init; }

    /// <summary>γ: the k-th watch after the row's own counts γ^k.</summary>
    public double Discount { get; init; } = 0.9;

    /// <summary>Whether watches are worth something else than 1.</summary>
    public bool HasReward => Reward is not null || HorizonSeconds > 0;

    /// <summary>Whether anything differs from learning from watches that are worth 1 each.</summary>
    public bool IsAsked => Impressions.Count > 0 || HasReward || UsesPropensity;
}
