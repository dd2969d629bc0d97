namespace RecoServe.Engine.Sampling;

/// <summary>Where the end of a nucleus is expected.</summary>
/// <param name="Low">At or below its last logit; the least number there is if there is no telling.</param>
/// <param name="High">Above its last logit.</param>
/// <param name="Share">Share of the row that is expected between the two.</param>
/// <param name="Size">Items of it in the sample, those of a head that is known included.</param>
/// <param name="Concentration">
/// Σ w² / (Σ w)² over the row: one over the number of items that carry the mass. Without the squares of a head that is known.
/// </param>
/// <param name="ConcentrationBelow">What of it the items below the nucleus add.</param>
internal readonly record struct Bracket(float Low, float High, double Share, int Size, double Concentration, double ConcentrationBelow);
