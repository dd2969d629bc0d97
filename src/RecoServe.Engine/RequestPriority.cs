namespace RecoServe.Engine;

/// <summary>Which of the waiting requests are computed first. One that waits too long rises to the next level.</summary>
public enum RequestPriority
{
    /// <summary>Someone waits for the answer at this moment.</summary>
    High,

    /// <summary>The default.</summary>
    Normal,

    /// <summary>Nobody waits for it: prefetching, shadow traffic.</summary>
    Low,
}
