using RecoServe.Engine.Packages;

namespace RecoServe.Trainer.Data;

/// <summary>
/// All watch histories of a log, in time order within each user, with dense item indexes 1…N. Immutable. The events are in files,
/// about 4 + (number of context fields) × 2 bytes each, 8 more with times; in memory are the items and the users.
/// </summary>
/// <param name="catalogue">The items, with their attributes. Every item of the log is in it.</param>
/// <param name="users">External user ids in user order.</param>
/// <param name="starts">User u's events are at <c>starts[u] … starts[u + 1]</c>; length users + 1.</param>
/// <param name="items">The item index of every event.</param>
/// <param name="contextFields">The context columns.</param>
/// <param name="contextCodes">For each context column, the code of every event: 0 = unknown, i + 1 = <c>Values[i]</c>.</param>
/// <param name="times">The time of every event, milliseconds since 1970 UTC; null if the source has none.</param>
/// <param name="testEvents">How many of each user's last events come from test data apart; null if there is none.</param>
/// <param name="feedback">What was shown and what came of it; null to learn from the watches alone, each with reward 1.</param>
internal sealed class WatchLog(
    Catalogue catalogue,
    string[] users,
    long[] starts,
    Column<int> items,
    IReadOnlyList<ContextField> contextFields,
    IReadOnlyList<Column<ushort>> contextCodes,
    Column<long>? times = null,
    int[]? testEvents = null,
    FeedbackLog? feedback = null) : IDisposable
{
    /// <summary>The items.</summary>
    public Catalogue Catalogue { get; } = catalogue;

    /// <summary>The context columns, in the order of a model's context input.</summary>
    public IReadOnlyList<ContextField> ContextFields { get; } = contextFields;

    /// <summary>What was shown and what came of it; null if the watches alone are learned from, each with reward 1.</summary>
    public FeedbackLog? Feedback { get; } = feedback;

    /// <summary>
    /// The rows that may be learned from where a user's first watches are: those before the last of them, but for what led to
    /// a later watch and to none of these. Null without feedback.
    /// </summary>
    /// <param name="user">The user.</param>
    /// <param name="watches">How many watches, from the oldest, are for training.</param>
    public FeedbackRows? FeedbackOf(int user, int watches)
    {
        var (items, rows) = (ItemsOf(user), Feedback?.RowsOf(user).Between(0, watches));
        return rows?.Where(row => rows.Rewards.Span[row] == 0
            || items.Span[rows.Steps.Span[row]..watches].Contains(rows.Items.Span[row])
            || !items.Span[watches..].Contains(rows.Items.Span[row]));
    }

    /// <summary>The same watches with feedback.</summary>
    public WatchLog With(FeedbackLog rows) =>
        new(Catalogue, users, starts, items, ContextFields, contextCodes, times, testEvents, rows);

    /// <summary>Number of users.</summary>
    public int UserCount => users.Length;

    /// <summary>Number of events.</summary>
    public long EventCount => items.Count;

    /// <summary>The external id of a user.</summary>
    public string UserId(int user) => users[user];

    /// <summary>The item indexes of a user's events, oldest first.</summary>
    public ReadOnlyMemory<int> ItemsOf(int user) => SliceOf(items, user);

    /// <summary>The codes of one context column for a user's events, oldest first.</summary>
    public ReadOnlyMemory<ushort> ContextOf(int user, int field) => SliceOf(contextCodes[field], user);

    /// <summary>A user's part of a column that has a number for every event.</summary>
    public ReadOnlyMemory<T> SliceOf<T>(Column<T> column, int user)
        where T : unmanaged => column.Slice(starts[user], (int)(starts[user + 1] - starts[user]));

    /// <summary>For each context column, the codes of a user's first events; null without columns.</summary>
    public IReadOnlyList<ReadOnlyMemory<ushort>>? HistoryContextOf(int user, int events) =>
        ContextFields.Count == 0 ? null : [.. Enumerable.Range(0, ContextFields.Count).Select(field => ContextOf(user, field)[..events])];

    /// <summary>Whether the events have times.</summary>
    public bool HasTimes => times is not null;

    /// <summary>The times of a user's events, milliseconds since 1970 UTC, ascending.</summary>
    /// <exception cref="InvalidOperationException">The events have no times.</exception>
    public ReadOnlyMemory<long> TimesOf(int user) =>
        SliceOf(times ?? throw new InvalidOperationException("the log has no times"), user);

    /// <summary>Whether some events come from test data apart from the log.</summary>
    public bool HasTestData => testEvents is not null;

    /// <summary>How many of a user's last events come from test data.</summary>
    public int TestEventsOf(int user) => testEvents?[user] ?? 0;

    /// <summary>Gives back the files; nothing that was read from here may be used any more.</summary>
    public void Dispose()
    {
        foreach (var column in (IDisposable?[])[items, times, Feedback, .. contextCodes])
            column?.Dispose();
    }
}
