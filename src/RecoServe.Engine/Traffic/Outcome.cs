using RecoServe.Engine.Batching;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Traffic;

/// <summary>What a request that was not answered says of the version that was asked.</summary>
internal static class Outcome
{
    /// <summary>
    /// Null if it is the caller's doing, the request was wrong or the caller went away, or the server's, which has no memory. What nobody
    /// expected is the version's: the caller is told INTERNAL.
    /// </summary>
    /// <param name="exception">What ended the request.</param>
    /// <param name="isLate">Whether its deadline has passed: that cancels a call just as a caller does who goes away.</param>
    internal static OutcomeKind? Of(Exception exception, bool isLate) => exception switch
    {
        OperationCanceledException when isLate => OutcomeKind.Late,
        InvalidLogitsException => OutcomeKind.Invalid,
        OverloadedException or DeadlineExceededException => OutcomeKind.Late,
        InvalidRequestException or ModelStateException or OperationCanceledException or AnswerMemoryException => null,
        _ => OutcomeKind.Failed,
    };
}
