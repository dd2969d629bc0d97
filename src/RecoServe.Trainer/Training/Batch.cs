using static TorchSharp.torch;

namespace RecoServe.Trainer.Training;

/// <summary>Some users' training events, right-padded: every event is the target of the events before it.</summary>
internal sealed class Batch
{
    private readonly long[] _items;
    private readonly long[] _cells;
    private readonly long[] _targets;
    private readonly long[] _context;
    private readonly int _users;
    private readonly int _fields;

    /// <param name="windows">The events of each user, oldest first; none empty.</param>
    /// <param name="fields">Number of context fields.</param>
    public Batch(IReadOnlyList<Window> windows, int fields)
    {
        var length = windows.Max(w => w.Items.Length);
        var positions = windows.Sum(w => w.Items.Length);
        (_users, _fields) = (windows.Count, fields);
        _items = new long[_users * length];
        _cells = new long[positions];
        _targets = new long[positions];
        _context = new long[positions * fields];
        var position = 0;
        for (var u = 0; u < _users; u++)
        {
            var window = windows[u];
            var items = window.Items.Span;
            for (var t = 0; t < items.Length; t++, position++)
            {
                _cells[position] = (u * length) + t;
                _targets[position] = items[t];
                for (var f = 0; f < fields; f++)
                    _context[(position * fields) + f] = window.Context[f].Span[t];
                if (t + 1 < items.Length)
                    _items[(u * length) + t + 1] = items[t];
            }
        }
    }

    /// <summary>Number of targets.</summary>
    public int Positions => _targets.Length;

    /// <summary>int64 [users, length]: the start marker, then every event but the last.</summary>
    public Tensor Items() => tensor(_items, _users, _items.Length / _users);

    /// <summary>int64 [positions]: the flat index of each target's state in [users · length].</summary>
    public Tensor Cells() => tensor(_cells);

    /// <summary>int64 [positions]: the target items.</summary>
    public Tensor Targets() => tensor(_targets);

    /// <summary>int64 [positions, fields]: the context at each target.</summary>
    public Tensor Context() => tensor(_context, Positions, _fields);
}
