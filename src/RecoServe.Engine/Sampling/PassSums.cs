namespace RecoServe.Engine.Sampling;

/// <summary>What one pass over a piece of a row found.</summary>
/// <param name="Total">The weight of all.</param>
/// <param name="Above">The weight of the logits at or above the threshold, if there is one.</param>
/// <param name="Max">The largest logit.</param>
internal readonly record struct PassSums(double Total, double Above, float Max);
