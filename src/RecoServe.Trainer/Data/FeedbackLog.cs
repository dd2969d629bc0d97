namespace RecoServe.Trainer.Data;

/// <summary>
/// What a policy learns from: for each user, in order of time, the items that were shown (or, without a log of what was shown,
/// watched) and what came of it. Immutable; in files, about 20 + (number of context fields) × 2 bytes a row.
/// </summary>
/// <param name="starts">User u's rows are at <c>starts[u] … starts[u + 1]</c>; length users + 1.</param>
/// <param name="steps">For every row the number of the user's watches before it: ascending within a user.</param>
/// <param name="items">The item index of every row.</param>
/// <param name="rewards">Finite and 0 or more; 0 where nothing came of it.</param>
/// <param name="propensities">The probability with which the item was shown, in (0, 1]; null if the log does not tell.</param>
/// <param name="slots">The place on the slate from 1; null if the log does not tell.</param>
/// <param name="contextCodes">As in a <see cref="WatchLog"/>.</param>
/// <param name="times">Milliseconds since 1970 UTC; null if they were not kept.</param>
internal sealed class FeedbackLog(
    long[] starts,
    Column<int> steps,
    Column<int> items,
    Column<float> rewards,
    Column<float>? propensities,
    Column<ushort>? slots,
    IReadOnlyList<Column<ushort>> contextCodes,
    Column<long>? times = null) : IDisposable
{
    /// <summary>Number of rows.</summary>
    public long RowCount => items.Count;

    /// <summary>The highest slot; 0 if the log does not tell.</summary>
    public int SlotCount { get; } = slots is { Count: > 0 } ? slots.Max() : 0;

    /// <summary>The smallest reward of any row.</summary>
    public float LowestReward { get; } = rewards.Count > 0 ? rewards.Min() : 0;

    /// <summary>The greatest reward of any row.</summary>
    public float HighestReward { get; } = rewards.Count > 0 ? rewards.Max() : 0;

    /// <summary>The rows of a user.</summary>
    public FeedbackRows RowsOf(int user)
    {
        var (start, count) = (starts[user], (int)(starts[user + 1] - starts[user]));
        return new FeedbackRows(
            steps.Slice(start, count),
            items.Slice(start, count),
            rewards.Slice(start, count),
            propensities?.Slice(start, count),
            slots?.Slice(start, count),
            [.. contextCodes.Select(codes => codes.Slice(start, count))],
            times?.Slice(start, count));
    }

    /// <inheritdoc cref="WatchLog.Dispose"/>
    public void Dispose()
    {
        foreach (var column in (IDisposable?[])[steps, items, rewards, propensities, slots, times, .. contextCodes])
            column?.Dispose();
    }
}
