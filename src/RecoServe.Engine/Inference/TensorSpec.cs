using Microsoft.ML.OnnxRuntime.Tensors;

namespace RecoServe.Engine.Inference;

/// <summary>An input or output of a graph.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its sizes, rows first; −1: any.</param>
public sealed record TensorSpec(string Name, TensorElementType Type, IReadOnlyList<long> Shape);
