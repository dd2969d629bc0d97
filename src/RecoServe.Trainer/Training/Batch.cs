using RecoServe.Engine.Inference;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>
/// Some users' training events, right-padded, and the rows learned at them. Without feedback every event is the target of the
/// events before it in its window.
/// </summary>
internal sealed class Batch
{
    private readonly IReadOnlyList<Window> _windows;
    private readonly int _users;
    private readonly int _length;
    private readonly int _fields;
    private readonly long[] _items;
    private readonly List<long> _cells = [];
    private readonly List<long> _targets = [];
    private readonly List<long> _context = [];
    private readonly List<float> _rewards = [];
    private readonly List<float> _propensities = [];
    private readonly List<long> _slots = [];

    /// <param name="windows">The events of each user, oldest first; none empty.</param>
    /// <param name="fields">Number of context fields.</param>
    public Batch(IReadOnlyList<Window> windows, int fields)
    {
        _length = windows.Max(w => w.Items.Length);
        (_windows, _users, _fields) = (windows, windows.Count, fields);
        _items = new long[_users * _length];
        for (var u = 0; u < _users; u++)
        {
            var items = windows[u].Items.Span;
            for (var t = 0; t + 1 < items.Length; t++)
                _items[(u * _length) + t + 1] = items[t];
            if (windows[u].Feedback is null)
                AddEvents(u, windows[u]);
            else
                AddFeedback(u, windows[u]);
        }
    }

    /// <summary>Number of rows learned from.</summary>
    public int Positions => _targets.Count;

    /// <summary>Whether rows have rewards; without, each counts 1.</summary>
    public bool HasRewards => _rewards.Count > 0;

    /// <summary>int64 [users, length]: the start marker, then every event but the last.</summary>
    public Tensor Items() => tensor(_items, _users, _length);

    /// <summary>int64 [users, length]: the <see cref="TimeGap"/> code of every cell of <see cref="Items"/>, 0 where unknown.</summary>
    public Tensor Gaps()
    {
        var gaps = new long[_items.Length];
        for (var u = 0; u < _users; u++)
        {
            var codes = TimeGap.CodesOf([.. _windows[u].Times.ToArray().SkipLast(1).Select(time => (long?)time)]);
            for (var t = 0; t < codes.Length; t++)
                gaps[(u * _length) + t + 1] = codes[t];
        }

        return tensor(gaps, _users, _length);
    }

    /// <summary>int64 [users, length, fields]: the context codes of every cell of <see cref="Items"/>, 0 for the start marker and where unknown.</summary>
    public Tensor HistoryContext()
    {
        var codes = new long[_items.Length * _fields];
        for (var u = 0; u < _users; u++)
        {
            for (var f = 0; f < _fields; f++)
            {
                var field = _windows[u].Context[f].Span;
                for (var t = 0; t + 1 < field.Length; t++)
                    codes[(((u * _length) + t + 1) * _fields) + f] = field[t];
            }
        }

        return tensor(codes, _users, _length, _fields);
    }

    /// <summary>int64 [positions]: the flat index of each row's state in [users · length].</summary>
    public Tensor Cells() => tensor(_cells);

    /// <summary>int64 [positions]: the items watched, or shown.</summary>
    public Tensor Targets() => tensor(_targets);

    /// <summary>int64 [positions, fields]: the context at each row.</summary>
    public Tensor Context() => tensor(_context, Positions, _fields);

    /// <summary>float32 [positions]: the rewards.</summary>
    public Tensor Rewards() => HasRewards ? tensor(_rewards) : ones(Positions);

    /// <summary>float32 [positions]: the logged propensities. Only if the log has them.</summary>
    public Tensor Propensities() => _propensities.Count > 0
        ? tensor(_propensities)
        : throw new InvalidOperationException("the log has no propensities");

    /// <summary>int64 [positions]: the slots, 0 where the log has none.</summary>
    public Tensor Slots() => _slots.Count > 0 ? tensor(_slots) : zeros(Positions, int64);

    private void AddEvents(int user, Window window)
    {
        for (var t = window.Start == 0 ? 0 : 1; t < window.Items.Length; t++)
        {
            _cells.Add((user * _length) + t);
            _targets.Add(window.Items.Span[t]);
            for (var f = 0; f < _fields; f++)
                _context.Add(window.Context[f].Span[t]);
        }
    }

    private void AddFeedback(int user, Window window)
    {
        var rows = window.Feedback!;
        for (var r = 0; r < rows.Count; r++)
        {
            _cells.Add((user * _length) + rows.Steps.Span[r] - window.Start);
            _targets.Add(rows.Items.Span[r]);
            _rewards.Add(rows.Rewards.Span[r]);
            if (rows.Propensities is { } propensities)
                _propensities.Add(propensities.Span[r]);
            if (rows.Slots is { } slots)
                _slots.Add(slots.Span[r]);
            for (var f = 0; f < _fields; f++)
                _context.Add(rows.Context[f].Span[r]);
        }
    }
}
