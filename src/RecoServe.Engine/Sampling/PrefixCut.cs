namespace RecoServe.Engine.Sampling;

/// <summary>Where a ranking is cut: all logits above one, and the first of those that equal it.</summary>
/// <param name="Count">Items of the prefix.</param>
/// <param name="Mass">Their weight.</param>
/// <param name="Edge">The logit of the last of them.</param>
/// <param name="Ties">How many with this logit belong to the prefix, 1 or more, the lower indexes first.</param>
/// <param name="AllTies">How many have this logit.</param>
internal record struct PrefixCut(int Count, double Mass, float Edge, int Ties, int AllTies);
