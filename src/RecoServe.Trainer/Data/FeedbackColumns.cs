namespace RecoServe.Trainer.Data;

/// <summary>The columns of a <see cref="FeedbackLog"/> while it is read, user by user.</summary>
internal sealed class FeedbackColumns : IDisposable
{
    private readonly long[] _starts;
    private readonly ColumnWriter<int> _steps = new();
    private readonly ColumnWriter<int> _items = new();
    private readonly ColumnWriter<float> _rewards = new();
    private readonly ColumnWriter<float> _propensities = new();
    private readonly ColumnWriter<ushort> _slots = new();
    private readonly ColumnWriter<ushort>[] _contexts;
    private readonly ColumnWriter<long> _times = new();

    public FeedbackColumns(int users, int contexts)
    {
        _starts = new long[users + 1];
        _contexts = [.. Enumerable.Range(0, contexts).Select(_ => new ColumnWriter<ushort>())];
    }

    /// <summary>Adds a row; users come in their order. A propensity, slot or time that any row lacks, all lack.</summary>
    public void Add(int user, int step, int item, double reward, double? propensity, int? slot, long? time)
    {
        _starts[user + 1] = _steps.Count + 1;
        _steps.Add(step);
        _items.Add(item);
        _rewards.Add((float)reward);
        if (propensity is { } p)
            _propensities.Add((float)p);
        if (slot is { } s)
            _slots.Add((ushort)Math.Clamp(s, 0, ushort.MaxValue));
        if (time is { } t)
            _times.Add(t);
    }

    /// <summary>Adds the code of a context field to the row added last.</summary>
    public void AddContext(int field, ushort code) => _contexts[field].Add(code);

    /// <summary>The rows added.</summary>
    public FeedbackLog ToLog()
    {
        for (var user = 1; user < _starts.Length; user++)
            _starts[user] = Math.Max(_starts[user], _starts[user - 1]);
        return new FeedbackLog(
            _starts,
            _steps.Complete(),
            _items.Complete(),
            _rewards.Complete(),
            _propensities.Count == _steps.Count ? _propensities.Complete() : null,
            _slots.Count == _steps.Count ? _slots.Complete() : null,
            Array.ConvertAll(_contexts, c => c.Complete()),
            _times.Count == _steps.Count ? _times.Complete() : null);
    }

    public void Dispose()
    {
        foreach (var writer in (IDisposable[])[_steps, _items, _rewards, _propensities, _slots, _times, .. _contexts])
            writer.Dispose();
    }
}
