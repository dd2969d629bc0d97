namespace RecoServe.Engine.Sampling;

/// <summary>
/// Thresholds whose masses are known, and the search among them for two between which others lie: the interval is divided
/// into five equal parts again and again, as bisection does into two.
/// </summary>
internal ref struct ThresholdSearch
{
    /// <summary>Most thresholds that can be added.</summary>
    public const int Capacity = 2 + (4 * 12);

    private readonly Span<float> _thresholds;
    private readonly Span<double> _masses;
    private int _count;
    private float _low;
    private float _high;

    /// <summary>An empty search in memory of <see cref="Capacity"/>.</summary>
    public ThresholdSearch(Span<float> thresholds, Span<double> masses)
    {
        _thresholds = thresholds;
        _masses = masses;
    }

    /// <summary>The thresholds, in the order of their adding; the first is the lowest, the second the highest.</summary>
    public readonly ReadOnlySpan<float> Thresholds => _thresholds[.._count];

    /// <summary>The weight of all logits at or above each threshold.</summary>
    public readonly ReadOnlySpan<double> Masses => _masses[.._count];

    /// <summary>Adds a threshold and the weight of all logits at or above it.</summary>
    public void Add(float threshold, double mass)
    {
        _thresholds[_count] = threshold;
        _masses[_count++] = mass;
    }

    /// <summary>The highest threshold with at least one mass, and the lowest with at most another.</summary>
    public readonly (int Low, int High) Between(double massAtLow, double massAtHigh)
    {
        var (low, high) = (0, 1);
        for (var i = 2; i < _count; i++)
        {
            if (_masses[i] >= massAtLow && _thresholds[i] > _thresholds[low])
                low = i;
            if (_masses[i] <= massAtHigh && _thresholds[i] < _thresholds[high])
                high = i;
        }

        return (low, high);
    }

    /// <summary>
    /// Four thresholds inside the interval; false if it is the one that was divided last, so that they were all between the
    /// masses, or if it cannot be divided.
    /// </summary>
    public bool TryDivide(double massAtLow, double massAtHigh, out Four<float> thresholds)
    {
        thresholds = default;
        var ends = Between(massAtLow, massAtHigh);
        var (low, high) = (_thresholds[ends.Low], _thresholds[ends.High]);
        if ((low == _low && high == _high) || _count + 4 > _thresholds.Length)
            return false;
        (_low, _high) = (low, high);
        thresholds = PrefixSelection.Divide(low, high);
        return thresholds[0] > low;
    }
}
