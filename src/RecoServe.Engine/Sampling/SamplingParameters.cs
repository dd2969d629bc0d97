using System.Diagnostics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// How one slate is to be sampled; validated where the request enters. Order of application: temperature, mask, top_k,
/// renormalise, top_p.
/// </summary>
public readonly record struct SamplingParameters
{
    /// <summary>The contract's defaults: nucleus, top_p 0.9, temperature 1, no top_k, seed 0.</summary>
    public SamplingParameters()
    {
    }

    /// <summary>How the slate is chosen.</summary>
    public SamplingStrategy Strategy { get; init; } = SamplingStrategy.Nucleus;

    /// <summary>Mass p of the nucleus, in (0, 1]; 1 = every item. Read by <see cref="SamplingStrategy.Nucleus"/> only.</summary>
    public double TopP { get; init; } = 0.9;

    /// <summary>Divisor of the logits, finite and above 0.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only the k most probable eligible items can be in the slate; 0 = all.</summary>
    public int TopK { get; init; }

    /// <summary>Key of the random numbers: the same seed, logits and mask give the same slate.</summary>
    public ulong Seed { get; init; }

    [Conditional("DEBUG")]
    internal void AssertValid()
    {
        Debug.Assert(Enum.IsDefined(Strategy), "the strategy is one of the enumeration");
        Debug.Assert(TopP is > 0 and <= 1, "top_p is in (0, 1]");
        Debug.Assert(Temperature > 0 && double.IsFinite(Temperature), "the temperature is finite and above 0");
        Debug.Assert(TopK >= 0, "top_k is 0 (off) or more");
    }
}
