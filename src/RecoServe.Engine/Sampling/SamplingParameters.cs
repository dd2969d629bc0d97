namespace RecoServe.Engine.Sampling;

/// <summary>
/// How one slate is to be sampled. Order of application: temperature, mask, top_k, renormalise, top_p. The samplers refuse values that
/// are out of range.
/// </summary>
public readonly record struct SamplingParameters
{
    /// <summary>Far below all that differ from greedy, and far above those whose reciprocal is no number.</summary>
    public const double LeastTemperature = 1e-300;

    /// <summary>The contract's defaults: nucleus, top_p 0.9, temperature 1, no top_k, seed 0.</summary>
    public SamplingParameters()
    {
    }

    /// <summary>How the slate is chosen.</summary>
    public SamplingStrategy Strategy { get; init; } = SamplingStrategy.Nucleus;

    /// <summary>Mass p of the nucleus, in (0, 1]; 1 = every item. Read by <see cref="SamplingStrategy.Nucleus"/> only.</summary>
    public double TopP { get; init; } = 0.9;

    /// <summary>Divisor of the logits, finite and at least <see cref="LeastTemperature"/>.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only the k most probable eligible items can be in the slate; 0 = all.</summary>
    public int TopK { get; init; }

    /// <summary>Key of the random numbers: the same seed, logits and mask give the same slate.</summary>
    public ulong Seed { get; init; }

    /// <summary>Whether a temperature is in range; NaN is not.</summary>
    public static bool IsTemperature(double value) => value >= LeastTemperature && double.IsFinite(value);

    /// <exception cref="ArgumentOutOfRangeException">A value is out of range; names it.</exception>
    internal void RequireValid()
    {
        if (Strategy is < SamplingStrategy.Nucleus or > SamplingStrategy.Full)
            Refuse(nameof(Strategy), Strategy, "must be one of the enumeration");
        if (TopP is not (> 0 and <= 1))
            Refuse(nameof(TopP), TopP, "must be in (0, 1]");
        if (!IsTemperature(Temperature))
            Refuse(nameof(Temperature), Temperature, FormattableString.Invariant($"must be finite and at least {LeastTemperature}"));
        if (TopK < 0)
            Refuse(nameof(TopK), TopK, "must be 0 (off) or more");
    }

    private static void Refuse<T>(string name, T value, string rule) =>
        throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} {rule}, not {value}"));
}
