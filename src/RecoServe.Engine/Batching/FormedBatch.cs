using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// The rows of one run. Rows of equal input share a place: it is computed once. Chosen in the order of the queue, leaving out
/// those of a length that would pad the batch at a higher cost than a batch of their own. While it runs, rows may still join whose input it has.
/// </summary>
internal sealed class FormedBatch<TInput, TOutput>(int maxPlaces, BatchCost cost)
    where TInput : struct, IRowInput<TInput>
    where TOutput : BatchMemory
{
    /// <summary>Of a long queue so many rows for each place are looked at, and no more than so many join.</summary>
    private const int LookAhead = 8;

    private readonly List<BatchRow<TInput, TOutput>> _places = new(maxPlaces);
    private readonly TInput[] _inputs = new TInput[maxPlaces];
    private readonly Dictionary<BatchRow<TInput, TOutput>, int> _placeOf = new(maxPlaces, BatchRow<TInput, TOutput>.SameInput);
    private readonly List<(BatchRow<TInput, TOutput> Row, int Place)> _rows = [];

    /// <summary>The earliest deadline of the rows.</summary>
    private TimeSpan _due = TimeSpan.MaxValue;

    /// <summary>The rows, each with its place.</summary>
    internal IReadOnlyList<(BatchRow<TInput, TOutput> Row, int Place)> Rows => _rows;

    /// <summary>The inputs to be computed, by place.</summary>
    internal ReadOnlySpan<TInput> Inputs => _inputs.AsSpan(0, Places);

    /// <summary>How many inputs are computed.</summary>
    internal int Places => _placeOf.Count;

    /// <summary>The leading places whose logits are wanted.</summary>
    internal int LogitPlaces { get; private set; }

    /// <summary>Cells of the longest row.</summary>
    internal int Length { get; private set; }

    /// <summary>Why it has no more rows.</summary>
    internal CloseReason Closed { get; private set; }

    /// <summary>The share of the cells that only fill rows up to the longest.</summary>
    internal double Padding
    {
        get
        {
            var cells = 0L;
            foreach (var input in Inputs)
                cells += input.Length;
            return 1 - ((double)cells / ((long)Places * Length));
        }
    }

    /// <summary>Takes rows out of a queue; none only if the queue is empty.</summary>
    /// <param name="queue">The rows that wait.</param>
    /// <param name="now">The time.</param>
    /// <param name="maxDelay">How long rows were to wait for others.</param>
    /// <param name="betweenRuns">What passes between two runs.</param>
    internal void Take(RowQueue<TInput, TOutput> queue, TimeSpan now, TimeSpan maxDelay, TimeSpan betweenRuns)
    {
        Clear();
        Fill(queue, now, betweenRuns, hopeless: false);
        if (_rows.Count == 0 && queue.Count > 0) // whatever the estimate says, something is computed, and teaches it
            Fill(queue, now, betweenRuns, hopeless: true);
        foreach (var (row, _) in _rows)
        {
            queue.Remove(row);
            if (Closed == CloseReason.QueueEmpty && maxDelay > TimeSpan.Zero && now - row.Enqueued >= maxDelay)
                Closed = CloseReason.DelayOver;
        }

        Arrange();
    }

    /// <summary>Takes the rows of one place of another batch, but for those that have ended.</summary>
    internal void Take(FormedBatch<TInput, TOutput> batch, int place)
    {
        Clear();
        foreach (var (row, at) in batch._rows)
        {
            if (at == place && !row.Result.IsCompleted)
                Add(row, 0);
        }

        Closed = CloseReason.Retry;
        Arrange();
    }

    /// <summary>Takes a row along whose input, and logits if it wants them, are computed anyway; false if they are not.</summary>
    internal bool TryJoin(BatchRow<TInput, TOutput> row)
    {
        if (!_placeOf.TryGetValue(row, out var place) || (row.WantsLogits && place >= LogitPlaces) || _rows.Count >= LookAhead * maxPlaces)
            return false;
        _rows.Add((row, place));
        return true;
    }

    /// <summary>Forgets the rows.</summary>
    internal void Clear()
    {
        _inputs.AsSpan(0, Places).Clear();
        _places.Clear();
        _placeOf.Clear();
        _rows.Clear();
        Length = 0;
        _due = TimeSpan.MaxValue;
    }

    private void Fill(RowQueue<TInput, TOutput> queue, TimeSpan now, TimeSpan betweenRuns, bool hopeless)
    {
        Closed = CloseReason.QueueEmpty;
        var looks = LookAhead * maxPlaces;
        for (var next = 0; next < queue.Count && looks > 0; next++, looks--)
        {
            var row = queue[next];
            if (_placeOf.TryGetValue(row, out var same))
                Add(row, same);
            else if (Places == maxPlaces)
                Closed = CloseReason.Full;
            else if (!hopeless && row.Deadline < TimeSpan.MaxValue && now + CostWith(row) > row.Deadline)
                (Closed, looks) = (Closed == CloseReason.QueueEmpty ? CloseReason.Hopeless : Closed, looks + 1);
            else if (Places > 0 && !_inputs[0].Joins(row.Input))
                Closed = CloseReason.Shape;
            else if (Places > 0 && !IsWorthPadding(row, queue, betweenRuns))
                Closed = CloseReason.Padding;
            else if (!hopeless && now + CostWith(row) > _due && MayWait(row, queue, now + betweenRuns))
                Closed = CloseReason.Hopeless;
            else
                Add(row, Places);
        }

        if (Places == maxPlaces)
            Closed = CloseReason.Full;
    }

    /// <summary>Adds a row to a place; the next one is made for it.</summary>
    private void Add(BatchRow<TInput, TOutput> row, int place)
    {
        _rows.Add((row, place));
        _due = row.Deadline < _due ? row.Deadline : _due;
        if (place < Places)
            return;
        _placeOf.Add(row, place);
        _places.Add(row);
        _inputs[Places - 1] = row.Input;
        Length = Math.Max(Length, row.Input.Length);
    }

    /// <summary>Whether a row costs less here than its share of a batch of rows as long as itself.</summary>
    private bool IsWorthPadding(BatchRow<TInput, TOutput> row, RowQueue<TInput, TOutput> queue, TimeSpan betweenRuns)
    {
        var mates = Math.Min(queue.CountOfLength(row), maxPlaces);
        var alone = (cost.Of(mates, row.Input.Length) + betweenRuns) / mates;
        return CostWith(row) - cost.Of(Places, Length) <= alone;
    }

    /// <summary>
    /// Whether a row would be in time in the next run, together with all else that waits. Under overload it would not: there those
    /// that have waited longest are all short of time, and batches that shrink for the first of them would lose many for one.
    /// </summary>
    private bool MayWait(BatchRow<TInput, TOutput> row, RowQueue<TInput, TOutput> queue, TimeSpan start)
    {
        var mates = Math.Min(queue.Count - _rows.Count, maxPlaces);
        return row.Deadline == TimeSpan.MaxValue
            || start + cost.Of(Places, Length) + cost.Of(mates, Math.Max(row.Input.Length, queue.MeanLength)) <= row.Deadline;
    }

    private TimeSpan CostWith(BatchRow<TInput, TOutput> row) => cost.Of(Places + 1, Math.Max(Length, row.Input.Length));

    /// <summary>Places whose logits are wanted come first: the scorer then runs on a prefix of the states.</summary>
    private void Arrange()
    {
        Span<bool> wantsLogits = stackalloc bool[Places];
        foreach (var (row, place) in _rows)
            wantsLogits[place] |= row.WantsLogits;
        Span<int> moved = stackalloc int[Places];
        LogitPlaces = 0;
        for (var place = 0; place < Places; place++)
            moved[place] = wantsLogits[place] ? LogitPlaces++ : 0;
        var next = LogitPlaces;
        for (var place = 0; place < Places; place++)
        {
            moved[place] = wantsLogits[place] ? moved[place] : next++;
            _inputs[moved[place]] = _places[place].Input;
            _placeOf[_places[place]] = moved[place];
        }

        for (var i = 0; i < _rows.Count; i++)
            _rows[i] = (_rows[i].Row, moved[_rows[i].Place]);
    }
}
