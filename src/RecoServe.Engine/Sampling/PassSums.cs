using System.Runtime.CompilerServices;

namespace RecoServe.Engine.Sampling;

/// <summary>What one pass over a piece of a row found.</summary>
internal struct PassSums
{
    /// <summary>The weight of all.</summary>
    public double Total;

    /// <summary>The weight of the logits at or above each threshold.</summary>
    public Four<double> Above;

    /// <summary>The largest logit.</summary>
    public float Max;
}

/// <summary>Four values, ascending where they are thresholds.</summary>
[InlineArray(4)]
internal struct Four<T>
{
    private T _first;
}

/// <summary>How many thresholds a pass compares with: a type, so that the compiler leaves out what is not asked for.</summary>
internal interface IThresholdCount
{
    /// <summary>0 to 4.</summary>
    static abstract int Value { get; }
}

/// <summary>No threshold.</summary>
internal readonly struct NoThreshold : IThresholdCount
{
    /// <inheritdoc/>
    public static int Value => 0;
}

/// <summary>One threshold.</summary>
internal readonly struct OneThreshold : IThresholdCount
{
    /// <inheritdoc/>
    public static int Value => 1;
}

/// <summary>Four thresholds.</summary>
internal readonly struct FourThresholds : IThresholdCount
{
    /// <inheritdoc/>
    public static int Value => 4;
}
