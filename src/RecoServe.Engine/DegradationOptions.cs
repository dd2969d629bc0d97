using System.ComponentModel.DataAnnotations;

namespace RecoServe.Engine;

/// <summary>
/// What may be left out under pressure, step by step, instead of refusing requests. Nothing, unless it is set. Every answer says
/// what was left out; its probabilities and propensities are exact for the way it was drawn.
/// </summary>
public sealed class DegradationOptions
{
    /// <summary>Items that a slate is drawn from at most, at the first step; 0: all.</summary>
    [Range(0, 1_000_000, ErrorMessage = "must be a whole number from {1} to {2}")]
    public int TopK { get; set; }

    /// <summary>A smaller model that answers at the second step, if the request names no version; empty: none.</summary>
    public string Model { get; set; } = "";

    /// <summary>Whether a request that would be refused gets the slate of someone of whom nothing is known.</summary>
    public bool Popularity { get; set; }

    /// <summary>
    /// The share of its time that a request is expected to wait at which the first step is taken; the second at twice that, or
    /// halfway to 1 if that is less.
    /// </summary>
    [Range(0.01, 1, ErrorMessage = "must be a number from {1} to {2}")]
    public double Pressure { get; set; } = 0.3;

    /// <summary>Whether pressure matters before a request is refused.</summary>
    internal bool HasSteps => TopK > 0 || Model.Length > 0;

    /// <summary>The share at which the second step is taken.</summary>
    internal double HighPressure => Math.Min(2 * Pressure, (1 + Pressure) / 2);
}
