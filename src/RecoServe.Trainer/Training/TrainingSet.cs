using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Training;

/// <summary>
/// What is learned from: the newest training events of every user. An epoch's batches are a function of seed and epoch
/// number alone, so that a resumed training sees what an unbroken one would have seen.
/// </summary>
internal sealed class TrainingSet
{
    /// <summary>Where a step has one batch, users are ordered by length within pools of so many: little padding, and still a shuffle.</summary>
    private const int PoolBatches = 16;

    private readonly Window[] _windows;
    private readonly int _fields;

    /// <param name="log">The log.</param>
    /// <param name="lengths">How many of each user's first events are for training; users with none are left out.</param>
    /// <param name="maxHistory">Of more events only the newest so many are used.</param>
    /// <remarks>Of a log with feedback, the rows before the last training event are learned, and users without any left out.</remarks>
    public TrainingSet(WatchLog log, IReadOnlyList<int> lengths, int maxHistory)
    {
        (Log, _fields) = (log, log.ContextFields.Count);
        ItemCounts = new long[log.Catalogue.Count + 1];
        ShownCounts = log.Feedback is null ? ItemCounts : new long[log.Catalogue.Count + 1];
        var windows = new List<Window>(log.UserCount);
        for (var user = 0; user < log.UserCount; user++)
        {
            Count(ItemCounts, log.ItemsOf(user)[..lengths[user]]);
            if (log.Feedback is not null)
                Count(ShownCounts, log.Feedback.RowsOf(user).Between(0, lengths[user]).Items);
            if (lengths[user] > 0 && WindowOf(user, lengths[user], maxHistory) is { } window)
                windows.Add(window);
        }

        _windows = [.. windows];
    }

    /// <summary>The log that it is of.</summary>
    public WatchLog Log { get; }

    /// <summary>Training watches of each item, N + 1 numbers: all of them, not only the newest.</summary>
    public long[] ItemCounts { get; }

    /// <summary>How often each item was shown in training, N + 1 numbers; without feedback, how often it was watched.</summary>
    public long[] ShownCounts { get; }

    /// <summary>Number of users with at least one training event.</summary>
    public int UserCount => _windows.Length;

    /// <summary>Number of batches of an epoch.</summary>
    public int BatchesOf(int batchSize) => (UserCount + batchSize - 1) / batchSize;

    /// <summary>The user windows of every batch of an epoch, in the order of training.</summary>
    /// <param name="seed">Of the run.</param>
    /// <param name="epoch">From 1.</param>
    /// <param name="batchSize">Users a batch.</param>
    /// <param name="accumulate">Batches a step: of several, the first is of the step's shortest histories and the last of its longest.</param>
    public IReadOnlyList<Window[]> Epoch(int seed, int epoch, int batchSize, int accumulate = 1)
    {
        var random = new Random(HashSeed.Of(seed, epoch));
        var shuffled = (Window[])_windows.Clone();
        random.Shuffle(shuffled);
        var batches = shuffled.Chunk(batchSize * (accumulate > 1 ? accumulate : PoolBatches))
            .SelectMany(pool => pool.OrderBy(w => w.Items.Length).Chunk(batchSize))
            .ToArray();
        if (accumulate == 1)
            random.Shuffle(batches);
        return batches;
    }

    /// <summary>Makes the tensors' content of one batch.</summary>
    public Batch Batch(Window[] windows) => new(windows, _fields);

    /// <summary>The newest events of a user; null if nothing is learned at them.</summary>
    private Window? WindowOf(int user, int length, int maxHistory)
    {
        var start = Math.Max(0, length - maxHistory);
        var feedback = Log.Feedback?.RowsOf(user).Between(start, length);
        return feedback?.Count == 0 ? null : new Window(
            Log.ItemsOf(user)[start..length],
            [.. Enumerable.Range(0, _fields).Select(f => Log.ContextOf(user, f)[start..length])],
            start,
            feedback,
            Log.HasTimes ? Log.TimesOf(user)[start..length] : default);
    }

    private static void Count(long[] counts, ReadOnlyMemory<int> items)
    {
        foreach (var item in items.Span)
            counts[item]++;
    }
}
