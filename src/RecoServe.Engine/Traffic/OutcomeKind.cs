namespace RecoServe.Engine.Traffic;

/// <summary>What became of a request, as far as the version that should answer it is to blame.</summary>
internal enum OutcomeKind
{
    /// <summary>Answered.</summary>
    Answered,

    /// <summary>Refused, or not answered in time: it would have taken too long.</summary>
    Late,

    /// <summary>The model failed to compute it, or something that nobody expected happened on the way.</summary>
    Failed,

    /// <summary>The model gave NaN or +∞.</summary>
    Invalid,
}
