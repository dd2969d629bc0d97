namespace RecoServe.Engine.Sampling;

/// <summary>What became of one row of a batch.</summary>
/// <param name="Summary">What <see cref="NucleusSampler.Sample"/> returned; all 0 if it threw.</param>
/// <param name="Error">What it threw, such as an <see cref="InvalidLogitsException"/>; null: nothing.</param>
public readonly record struct RowOutcome(SlateSummary Summary, Exception? Error);
