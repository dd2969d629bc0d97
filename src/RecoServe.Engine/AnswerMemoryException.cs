namespace RecoServe.Engine;

/// <summary>There is no memory for an answer of this size at present: try again later. Nobody's model is to blame.</summary>
/// <param name="retryAfter">When there may be.</param>
public sealed class AnswerMemoryException(TimeSpan retryAfter) : Exception("the server has no memory for an answer of this size at present")
{
    /// <summary>When there may be.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
