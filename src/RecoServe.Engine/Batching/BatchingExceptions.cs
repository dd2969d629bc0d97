namespace RecoServe.Engine.Batching;

/// <summary>More waits for a model version than may, or than can be computed in time: try again later.</summary>
/// <param name="version">The model version, as <c>name/number</c>.</param>
/// <param name="reason">What the request met.</param>
/// <param name="retryAfter">When there is likely to be room.</param>
public sealed class OverloadedException(string version, string reason, TimeSpan retryAfter)
    : Exception($"model {version} is overloaded: {reason}")
{
    /// <summary>When there is likely to be room.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>The deadline passed before the request was computed, or cannot be met.</summary>
/// <param name="version">The model version, as <c>name/number</c>.</param>
/// <param name="reason">Which of the two.</param>
public sealed class DeadlineExceededException(string version, string reason)
    : Exception($"{reason} model {version}");

/// <summary>The native run of a batch failed.</summary>
/// <param name="version">The model version, as <c>name/number</c>.</param>
/// <param name="inner">What ONNX Runtime said.</param>
public sealed class ModelRunException(string version, Exception inner)
    : Exception($"model {version} failed to compute the batch", inner);
