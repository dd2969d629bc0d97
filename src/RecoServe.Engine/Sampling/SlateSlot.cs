namespace RecoServe.Engine.Sampling;

/// <summary>One slot of a slate.</summary>
/// <param name="Item">The item's index, 1…N.</param>
/// <param name="Logit">The item's logit, before temperature.</param>
/// <param name="Probability">Softmax over the whole eligible catalogue after temperature; top_k and top_p do not change it.</param>
/// <param name="Propensity">Exact probability, in (0, 1], that this item was chosen for this slot, given the slots before it.</param>
/// <param name="GreedyFill">The nucleus was exhausted: the next rank, taken with propensity 1.</param>
public readonly record struct SlateSlot(int Item, float Logit, double Probability, double Propensity, bool GreedyFill);
