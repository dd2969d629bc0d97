using System.Collections;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Training;

/// <summary>
/// What is learned from: the newest training events of every user, or more of them in several windows. An epoch's batches are a
/// function of seed and epoch number alone, so that a resumed training sees what an unbroken one would have seen. In memory are the places of the
/// windows, and the content of the batches that are learned.
/// </summary>
internal sealed class TrainingSet
{
    /// <summary>Where a step has one batch, users are ordered by length within pools of so many: little padding, and still a shuffle.</summary>
    private const int PoolBatches = 16;

    private readonly IReadOnlyList<int> _lengths;
    private readonly IReadOnlyList<int> _known;
    private readonly int _maxHistory;
    private readonly WindowPlace[] _windows;

    /// <summary>Users of whose rows some are not learned: of all others they need not be looked through again.</summary>
    private readonly BitArray _isFiltered;

    private readonly int _fields;

    /// <param name="log">The log.</param>
    /// <param name="lengths">How many of each user's first events are for training; users with none are left out.</param>
    /// <param name="maxHistory">Most events of a window, at least 2: of one that does not begin a history, the first is read only.</param>
    /// <param name="windowsPerUser">Most windows of a user, the newest first; older events are not learned.</param>
    /// <param name="known">How many of each user's first events come before the test; null: no more than are for training.</param>
    /// <remarks>Of a log with feedback, the rows of <see cref="WatchLog.FeedbackOf"/> are learned, and users without any left out.</remarks>
    public TrainingSet(WatchLog log, IReadOnlyList<int> lengths, int maxHistory, int windowsPerUser = 1, IReadOnlyList<int>? known = null)
    {
        (Log, _lengths, _known, _maxHistory, _fields) = (log, lengths, known ?? lengths, maxHistory, log.ContextFields.Count);
        ItemCounts = new long[log.Catalogue.Count + 1];
        ShownCounts = log.Feedback is null ? ItemCounts : new long[log.Catalogue.Count + 1];
        RewardedCounts = log.Feedback is null ? ItemCounts : new long[log.Catalogue.Count + 1];
        ItemRewards = new double[log.Catalogue.Count + 1];
        _isFiltered = new BitArray(log.UserCount);
        var windows = new List<WindowPlace>(log.UserCount);
        for (var user = 0; user < log.UserCount; user++)
        {
            Count(ItemCounts, log.ItemsOf(user)[..lengths[user]]);
            var feedback = log.FeedbackOf(user, lengths[user]);
            if (feedback is not null)
            {
                Count(ShownCounts, feedback.Items);
                CountRewards(feedback);
                _isFiltered[user] = feedback.Count < log.Feedback!.RowsOf(user).Between(0, lengths[user]).Count;
            }

            for (var (w, end) = (0, lengths[user]); w < windowsPerUser && end > 0; w++)
            {
                var start = Math.Max(0, end - maxHistory);
                var place = new WindowPlace(user, start, end);
                if (feedback is null || place.RowsOf(feedback).Count > 0)
                    windows.Add(place);
                end = start == 0 ? 0 : start + 1; // what this window only reads is the last target of the next
            }
        }

        if (log.Feedback is null)
            ItemRewards = Array.ConvertAll(ItemCounts, count => (double)count);
        _windows = [.. windows];
    }

    /// <summary>The log that it is of.</summary>
    public WatchLog Log { get; }

    /// <summary>Training watches of each item, N + 1 numbers: all of them, not only the newest.</summary>
    public long[] ItemCounts { get; }

    /// <summary>How often each item was shown in training, N + 1 numbers; without feedback, how often it was watched.</summary>
    public long[] ShownCounts { get; }

    /// <summary>How many of an item's rows in training have a reward above 0, N + 1 numbers; without feedback, how often it was watched.</summary>
    public long[] RewardedCounts { get; }

    /// <summary>The sum of the rewards of each item in training, N + 1 numbers; without feedback, how often it was watched.</summary>
    public double[] ItemRewards { get; }

    /// <summary>Number of windows: of users, where each has one.</summary>
    public int WindowCount => _windows.Length;

    /// <summary>Number of batches of an epoch.</summary>
    public int BatchesOf(int batchSize) => (WindowCount + batchSize - 1) / batchSize;

    /// <summary>The windows of every batch of an epoch, in the order of training.</summary>
    /// <param name="seed">Of the run.</param>
    /// <param name="epoch">From 1.</param>
    /// <param name="batchSize">Windows a batch.</param>
    /// <param name="accumulate">Batches a step: of several, the first is of the step's shortest histories and the last of its longest.</param>
    public IReadOnlyList<WindowPlace[]> Epoch(int seed, int epoch, int batchSize, int accumulate = 1)
    {
        var random = new Random(HashSeed.Of(seed, epoch));
        var shuffled = (WindowPlace[])_windows.Clone();
        random.Shuffle(shuffled);
        var batches = shuffled.Chunk(batchSize * (accumulate > 1 ? accumulate : PoolBatches))
            .SelectMany(pool => pool.OrderBy(w => w.Length).Chunk(batchSize))
            .ToArray();
        if (accumulate == 1)
            random.Shuffle(batches);
        return batches;
    }

    /// <summary>Reads the windows of one batch from the log, and makes its tensors' content.</summary>
    public Batch Batch(WindowPlace[] places) => new([.. places.Select(Read)], _fields);

    /// <summary>Reads a window from the log.</summary>
    public Window Read(WindowPlace place)
    {
        var (user, events) = (place.User, place.Start..place.End);
        return new Window(
            Log.ItemsOf(user)[events],
            [.. Enumerable.Range(0, _fields).Select(f => Log.ContextOf(user, f)[events])],
            place.Start,
            (_isFiltered[user] ? Log.FeedbackOf(user, _lengths[user]) : Log.Feedback?.RowsOf(user)) is { } feedback ? place.RowsOf(feedback) : null,
            Log.HasTimes ? Log.TimesOf(user)[events] : default);
    }

    /// <summary>
    /// The displays of the validation, each seen from the watches before it: those between a user's last watch for training and the last that is known.
    /// None of them is learned, and none is in <see cref="ShownCounts"/>.
    /// </summary>
    public IEnumerable<Batch> HeldOut(int batchSize) => Enumerable.Range(0, Log.Feedback is null ? 0 : Log.UserCount)
        .Select(HeldOutOf)
        .Where(window => window.Feedback!.Count > 0)
        .Chunk(batchSize)
        .Select(windows => new Batch(windows, _fields));

    private Window HeldOutOf(int user)
    {
        var place = new WindowPlace(user, Math.Max(0, _known[user] - _maxHistory), _known[user]);
        return Read(place) with { Feedback = place.RowsOf(Log.Feedback!.RowsOf(user).Between(_lengths[user], _known[user])) };
    }

    private void CountRewards(FeedbackRows feedback)
    {
        for (var row = 0; row < feedback.Count; row++)
        {
            var (item, reward) = (feedback.Items.Span[row], feedback.Rewards.Span[row]);
            RewardedCounts[item] += reward > 0 ? 1 : 0;
            ItemRewards[item] += reward;
        }
    }

    private static void Count(long[] counts, ReadOnlyMemory<int> items)
    {
        foreach (var item in items.Span)
            counts[item]++;
    }
}
