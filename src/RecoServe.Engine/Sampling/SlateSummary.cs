namespace RecoServe.Engine.Sampling;

/// <summary>What was sampled, beside the slots.</summary>
/// <param name="Count">Slots written: as many as asked for, or as there are eligible items (within top_k).</param>
/// <param name="NucleusSize">Items that could be drawn; for <see cref="SamplingStrategy.Greedy"/> the items returned.</param>
/// <param name="NucleusMass">Total <see cref="SlateSlot.Probability"/> of those items, in [0, 1].</param>
public readonly record struct SlateSummary(int Count, int NucleusSize, double NucleusMass);
