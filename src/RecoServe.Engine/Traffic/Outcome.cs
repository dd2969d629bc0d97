using RecoServe.Engine.Batching;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Traffic;

/// <summary>What a request that was not answered says of the version that was asked.</summary>
internal static class Outcome
{
    /// <summary>Null if it is the caller's doing: the request was wrong, or the caller went away.</summary>
    internal static OutcomeKind? Of(Exception exception) => exception switch
    {
        InvalidLogitsException => OutcomeKind.Invalid,
        ModelRunException => OutcomeKind.Failed,
        OverloadedException or DeadlineExceededException => OutcomeKind.Late,
        _ => null,
    };
}
