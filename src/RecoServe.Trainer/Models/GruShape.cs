namespace RecoServe.Trainer.Models;

/// <summary>Sizes of a <see cref="GruNetwork"/>.</summary>
/// <param name="ItemCount">Number of items N.</param>
/// <param name="Dimension">Width d of item vectors and of every layer's state.</param>
/// <param name="Layers">GRU layers, 1 or more.</param>
/// <param name="ContextSizes">Number of known values of each context field.</param>
internal sealed record GruShape(int ItemCount, int Dimension, int Layers, IReadOnlyList<int> ContextSizes);
