namespace RecoServe.Trainer.Data;

/// <summary>How a log's times become milliseconds.</summary>
/// <param name="PerSecond">Units of the log's times a second.</param>
internal readonly record struct TimeScale(long PerSecond)
{
    /// <summary>
    /// ISO 8601 is read as microseconds. Whole numbers are told by the largest: Unix seconds below 10¹¹ (the year 5138),
    /// milliseconds below 10¹⁴, microseconds below 10¹⁷, else nanoseconds.
    /// </summary>
    /// <param name="workspace">Holds the table <c>events</c>; see <see cref="WatchLogReader"/>.</param>
    public static TimeScale Of(Workspace workspace) => workspace.Query(
        "SELECT coalesce(bool_or(iso), false), coalesce(max(abs(CAST(time AS DOUBLE))), 0) FROM events",
        r => r.GetBoolean(0) ? new TimeScale(1_000_000) : Of(r.GetDouble(1))).Single();

    /// <summary>The scale of whole numbers up to a magnitude.</summary>
    internal static TimeScale Of(double largest) =>
        new(largest < 1e11 ? 1 : largest < 1e14 ? 1_000 : largest < 1e17 ? 1_000_000 : 1_000_000_000);

    /// <summary>The unit's name.</summary>
    public string Unit => PerSecond switch { 1 => "seconds", 1_000 => "milliseconds", 1_000_000 => "microseconds", _ => "nanoseconds" };

    /// <summary>Milliseconds since 1970; of finer times the millisecond that they are in.</summary>
    public long ToMilliseconds(long time)
    {
        if (PerSecond <= 1_000)
            return time * (1_000 / PerSecond);
        var (milliseconds, rest) = Math.DivRem(time, PerSecond / 1_000);
        return rest < 0 ? milliseconds - 1 : milliseconds;
    }
}
