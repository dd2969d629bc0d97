namespace RecoServe.Engine.Sampling;

/// <summary>What one pass over a piece of a row found.</summary>
/// <param name="Above">The weight of the logits at or above the threshold; 0 where the sides are not told apart.</param>
/// <param name="Below">The weight of the others; all that was summed where the sides are not told apart.</param>
/// <param name="Max">The largest logit.</param>
internal readonly record struct PassSums(double Above, double Below, float Max);
