namespace RecoServe.Engine.Sampling;

/// <summary>One row of a batch: the arguments of <see cref="NucleusSampler.Sample"/>.</summary>
/// <param name="Logits">N + 1 logits.</param>
/// <param name="Mask">Items to leave out; null: none. It is only read, so that rows may share one.</param>
/// <param name="Parameters">Strategy, top_p, temperature, top_k and seed; already validated.</param>
/// <param name="Slots">Receives the slate; no two rows may share them.</param>
public readonly record struct BatchRow(
    ReadOnlyMemory<float> Logits, ItemMask? Mask, SamplingParameters Parameters, Memory<SlateSlot> Slots);
