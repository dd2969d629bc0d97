using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// One request waiting to be computed. Exactly one of three things ends it: a result, a failure, or its caller's
/// cancellation; whichever comes first wins, by one compare-and-swap inside the completion source.
/// </summary>
internal sealed class BatchRow
{
    private readonly TaskCompletionSource<RowResult> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _registration;

    internal BatchRow(EncoderInput input, bool wantsLogits, DateTimeOffset deadline, long enqueued) =>
        (Input, WantsLogits, Deadline, Enqueued) = (input, wantsLogits, deadline, enqueued);

    internal EncoderInput Input { get; }

    internal bool WantsLogits { get; }

    internal DateTimeOffset Deadline { get; }

    /// <summary>Timestamp at which the row began to wait.</summary>
    internal long Enqueued { get; }

    internal Task<RowResult> Result => _result.Task;

    /// <summary>False once the caller is gone: the row need not be computed.</summary>
    internal bool IsWaiting => !_result.Task.IsCompleted;

    internal void CancelWith(CancellationToken cancellationToken) =>
        _registration = cancellationToken.UnsafeRegister(static (row, token) => ((BatchRow)row!)._result.TrySetCanceled(token), this);

    internal void Complete(RowResult result)
    {
        _registration.Unregister();
        // The caller went away while the row was computed: nobody else will release it.
        if (!_result.TrySetResult(result))
            result.Dispose();
    }

    internal void Fail(Exception exception)
    {
        _registration.Unregister();
        _result.TrySetException(exception);
    }
}
