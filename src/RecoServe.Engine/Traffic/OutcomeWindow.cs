namespace RecoServe.Engine.Traffic;

/// <summary>The last outcomes of one version, oldest first. Not thread-safe.</summary>
internal sealed class OutcomeWindow(TimeSpan length)
{
    /// <summary>Outcomes that are kept at most.</summary>
    internal const int Capacity = 1000;

    private readonly Queue<(TimeSpan At, OutcomeKind Kind, double Seconds, double RunRatio)> _outcomes = new(Capacity);
    private readonly int[] _counts = new int[Enum.GetValues<OutcomeKind>().Length];

    internal int Count => _outcomes.Count;

    /// <summary>How many there are of a kind.</summary>
    internal int CountOf(OutcomeKind kind) => _counts[(int)kind];

    /// <summary>Takes an outcome, and forgets those that are too old or too many.</summary>
    /// <param name="now">When.</param>
    /// <param name="kind">What it was.</param>
    /// <param name="seconds">What the request took, or whatever belongs to the outcome.</param>
    /// <param name="runRatio">What its batch took in units of what is usual; NaN if that is not known.</param>
    internal void Add(TimeSpan now, OutcomeKind kind, double seconds, double runRatio = double.NaN)
    {
        _outcomes.Enqueue((now, kind, seconds, runRatio));
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

    /// <summary>What batches took in units of what is usual, oldest first, where that is known.</summary>
    internal double[] RunRatios() => [.. _outcomes.Select(o => o.RunRatio).Where(r => !double.IsNaN(r))];

    internal void Clear()
    {
        _outcomes.Clear();
        Array.Clear(_counts);
    }
}
