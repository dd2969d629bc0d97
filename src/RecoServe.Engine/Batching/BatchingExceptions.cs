namespace RecoServe.Engine.Batching;

/// <summary>As many requests wait for a model version as may: try again later.</summary>
/// <param name="version">The model version, as <c>name/number</c>.</param>
/// <param name="capacity">The bound that was reached.</param>
public sealed class QueueFullException(string version, int capacity)
    : Exception($"{capacity} requests already wait for model {version}");

/// <summary>The deadline passed before the request was computed.</summary>
/// <param name="version">The model version, as <c>name/number</c>.</param>
public sealed class DeadlineExceededException(string version)
    : Exception($"the deadline passed while the request waited for model {version}");

/// <summary>The native run of a batch failed.</summary>
/// <param name="version">The model version, as <c>name/number</c>.</param>
/// <param name="inner">What ONNX Runtime said.</param>
public sealed class ModelRunException(string version, Exception inner)
    : Exception($"model {version} failed to compute the batch", inner);
