namespace RecoServe.Engine.Sampling;

/// <summary>
/// A running sum whose error does not grow with the number of terms: the rounding error of every addition, exact by
/// TwoSum (Knuth, TAOCP 2, 4.2.2), is carried beside it.
/// </summary>
internal struct CompensatedSum
{
    private double _sum;
    private double _error;

    /// <summary>The sum of the terms.</summary>
    public readonly double Value => _sum + _error;

    /// <summary>Adds one finite term.</summary>
    public void Add(double term)
    {
        var sum = _sum + term;
        var part = sum - _sum;
        _error += (_sum - (sum - part)) + (term - part);
        _sum = sum;
    }
}
