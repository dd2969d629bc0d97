namespace RecoServe.Engine.Traffic;

/// <summary>The last outcomes of one version, oldest first. Not thread-safe.</summary>
internal sealed class OutcomeWindow(TimeSpan length)
{
    /// <summary>Outcomes that are kept at most.</summary>
    internal const int Capacity = 1000;

    private readonly Queue<(TimeSpan At, OutcomeKind Kind, double Seconds)> _outcomes = new(Capacity);
    private readonly int[] _counts = new int[Enum.GetValues<OutcomeKind>().Length];

    internal int Count => _outcomes.Count;

    /// <summary>How many there are of a kind.</summary>
    internal int CountOf(OutcomeKind kind) => _counts[(int)kind];

    /// <summary>Takes an outcome, and forgets those that are too old or too many.</summary>
    internal void Add(TimeSpan now, OutcomeKind kind, double seconds)
    {
        _outcomes.Enqueue((now, kind, seconds));
        _counts[(int)kind]++;
        Forget(now);
    }

    /// <summary>Forgets what is too old.</summary>
    internal void Forget(TimeSpan now)
    {
        while (_outcomes.Count > Capacity || (_outcomes.TryPeek(out var oldest) && now - oldest.At > length))
            _counts[(int)_outcomes.Dequeue().Kind]--;
    }

    /// <summary>What requests took, in seconds, oldest first; those that came too late took for ever, those that failed are left out.</summary>
    internal double[] Latencies() =>
        [.. _outcomes.Where(o => o.Kind is OutcomeKind.Answered or OutcomeKind.Late).Select(o => o.Kind == OutcomeKind.Late ? double.PositiveInfinity : o.Seconds)];

    internal void Clear()
    {
        _outcomes.Clear();
        Array.Clear(_counts);
    }
}
