using System.Diagnostics;
using System.Numerics;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// The rows that wait for one model version: earliest due first within a level of priority, higher levels before lower ones, and
/// a row that waits long rises. Bounded by rows and by bytes. Not thread-safe.
/// </summary>
/// <remarks>Each level is a sorted list: a row's place among the others, which admission asks for, is a binary search.</remarks>
internal sealed class RowQueue<TInput, TOutput>(int rowCapacity, long byteCapacity, TimeSpan patience)
    where TInput : struct, IRowInput<TInput>
    where TOutput : BatchMemory
{
    private static readonly Comparer<BatchRow<TInput, TOutput>> LatestFirst = Comparer<BatchRow<TInput, TOutput>>.Create(static (a, b) =>
        b.Due != a.Due ? b.Due.CompareTo(a.Due) : b.Sequence.CompareTo(a.Sequence));

    private readonly List<BatchRow<TInput, TOutput>>[] _levels = [[], [], []];
    private readonly int[] _lengths = new int[32];
    private TimeSpan _nextAgeing;
    private long _cells;

    /// <summary>Rows that wait.</summary>
    internal int Count { get; private set; }

    /// <summary>Memory that they hold.</summary>
    internal long Bytes { get; private set; }

    /// <summary>Cells of a row, on average.</summary>
    internal double MeanLength => Count > 0 ? (double)_cells / Count : 0;

    /// <summary>Whether there is no room, however small the row, and none to be made but by the highest priority.</summary>
    internal bool IsFull => Count >= rowCapacity && _levels[^1].Count == 0;

    /// <summary>Whether there is room for a row, if need be in place of rows of lower levels; one that is too large for all memory may wait alone.</summary>
    /// <param name="row">Is not here yet.</param>
    /// <param name="displaced">Receives those that would have to go, no more than must, the last in order first.</param>
    internal bool HasRoomFor(BatchRow<TInput, TOutput> row, List<BatchRow<TInput, TOutput>> displaced)
    {
        var (count, bytes) = (Count, Bytes);
        for (var level = _levels.Length - 1; level > row.Level; level--)
        {
            for (var i = 0; i < _levels[level].Count && !Fits(row, count, bytes); i++)
            {
                displaced.Add(_levels[level][i]);
                (count, bytes) = (count - 1, bytes - _levels[level][i].Bytes);
            }
        }

        return Fits(row, count, bytes);
    }

    /// <summary>Puts a row in its place.</summary>
    internal void Add(BatchRow<TInput, TOutput> row)
    {
        Insert(row);
        Track(row, 1);
    }

    /// <summary>Takes a row out; false if it does not wait here.</summary>
    internal bool Remove(BatchRow<TInput, TOutput> row)
    {
        var level = _levels[row.Level];
        var place = level.BinarySearch(row, LatestFirst);
        if (place < 0)
            return false;
        level.RemoveAt(place);
        Track(row, -1);
        return true;
    }

    /// <summary>How many rows are computed before one, which need not be here.</summary>
    internal int CountBefore(BatchRow<TInput, TOutput> row)
    {
        var level = _levels[row.Level];
        var place = level.BinarySearch(row, LatestFirst);
        var before = level.Count - (place < 0 ? ~place : place + 1);
        for (var higher = 0; higher < row.Level; higher++)
            before += _levels[higher].Count;
        return before;
    }

    /// <summary>How many rows are about as long as one, itself included.</summary>
    internal int CountOfLength(BatchRow<TInput, TOutput> row) => _lengths[Bucket(row)];

    /// <summary>The row of a place in the order of computation; ages nothing.</summary>
    internal BatchRow<TInput, TOutput> this[int place]
    {
        get
        {
            var level = 0;
            for (; place >= _levels[level].Count; level++)
                place -= _levels[level].Count;
            return _levels[level][^(place + 1)];
        }
    }

    /// <summary>Rows that have waited for a whole patience rise by a level.</summary>
    internal void Age(TimeSpan now)
    {
        if (now < _nextAgeing)
            return;
        _nextAgeing = now + (patience / 4);
        for (var level = 1; level < _levels.Length; level++)
        {
            for (var i = _levels[level].Count - 1; i >= 0; i--)
            {
                var row = _levels[level][i];
                var steps = (int)row.Priority - level + 1;
                if (now - row.Enqueued < patience * steps)
                    continue;
                _levels[level].RemoveAt(i);
                row.Level = level - 1;
                Insert(row);
            }
        }
    }

    /// <summary>Takes out the rows whose deadline has passed.</summary>
    /// <param name="now">The time.</param>
    /// <param name="expired">Receives them.</param>
    /// <returns>When to look again; <see cref="TimeSpan.MaxValue"/> if no row has a deadline.</returns>
    internal TimeSpan Expire(TimeSpan now, List<BatchRow<TInput, TOutput>> expired)
    {
        var next = TimeSpan.MaxValue;
        foreach (var level in _levels)
        {
            // Whoever has expired is due; whoever is due has perhaps only waited long.
            for (var i = level.Count - 1; i >= 0; i--)
            {
                var row = level[i];
                if (row.Deadline <= now)
                {
                    level.RemoveAt(i);
                    Track(row, -1);
                    expired.Add(row);
                }
                else
                {
                    next = row.Deadline < next ? row.Deadline : next;
                    if (row.Due > now && row.Due >= next)
                        break;
                }
            }
        }

        return next;
    }

    /// <summary>When the row arrived that has waited longest, the earliest of all deadlines, and when first a row has waited for half of its time.</summary>
    internal (TimeSpan Enqueued, TimeSpan Deadline, TimeSpan HalfTime) Earliest()
    {
        var (enqueued, deadline, halfTime) = (TimeSpan.MaxValue, TimeSpan.MaxValue, TimeSpan.MaxValue);
        foreach (var level in _levels)
        {
            foreach (var row in level)
            {
                enqueued = row.Enqueued < enqueued ? row.Enqueued : enqueued;
                deadline = row.Deadline < deadline ? row.Deadline : deadline;
                var half = row.Enqueued + ((row.Deadline - row.Enqueued) / 2);
                halfTime = half < halfTime ? half : halfTime;
            }
        }

        return (enqueued, deadline, halfTime);
    }

    private bool Fits(BatchRow<TInput, TOutput> row, int count, long bytes) => count < rowCapacity && (bytes + row.Bytes <= byteCapacity || count == 0);

    private static int Bucket(BatchRow<TInput, TOutput> row) => BitOperations.Log2((uint)row.Input.Length);

    private void Insert(BatchRow<TInput, TOutput> row)
    {
        var level = _levels[row.Level];
        var place = level.BinarySearch(row, LatestFirst);
        Debug.Assert(place < 0, "a row waits once");
        level.Insert(~place, row);
    }

    private void Track(BatchRow<TInput, TOutput> row, int sign)
    {
        Count += sign;
        Bytes += sign * row.Bytes;
        _cells += sign * row.Input.Length;
        _lengths[Bucket(row)] += sign;
    }
}
