namespace RecoServe.Engine.Traffic;

/// <summary>What a canary is rolled back for; in metrics, in small letters.</summary>
internal enum VerdictKind
{
    /// <summary>Answers were NaN or infinite.</summary>
    Invalid,

    /// <summary>Requests failed.</summary>
    Errors,

    /// <summary>Requests took too long.</summary>
    Latency,

    /// <summary>Answers have too little in common with the other version's.</summary>
    Drift,
}
