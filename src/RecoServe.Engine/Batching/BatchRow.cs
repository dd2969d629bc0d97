using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Batching;

/// <summary>
/// One request waiting to be computed. Exactly one of three things ends it: a result, a failure, or its caller's
/// cancellation; whichever comes first wins, by one compare-and-swap inside the completion source.
/// </summary>
internal sealed class BatchRow<TInput, TOutput>
    where TInput : struct, IRowInput<TInput>
    where TOutput : BatchMemory
{
    /// <summary>Tells rows apart by their input alone; the hash is made once, when a row arrives.</summary>
    internal static readonly IEqualityComparer<BatchRow<TInput, TOutput>> SameInput = EqualityComparer<BatchRow<TInput, TOutput>>.Create(
        static (a, b) => a!._hash == b!._hash && a.Input.Equals(b.Input), static row => row._hash);

    /// <summary>Memory of a row beside its input, about.</summary>
    internal const long OwnBytes = 256;

    private static long Arrivals;

    private readonly TaskCompletionSource<RowResult<TOutput>> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ShedOnce? _shedOnce;
    private readonly int _hash;
    private CancellationTokenRegistration _registration;

    /// <param name="request">What it shall be.</param>
    /// <param name="enqueued">When it begins to wait, on the batcher's clock.</param>
    /// <param name="deadline">When its answer is worth nothing any more; <see cref="TimeSpan.MaxValue"/> if never.</param>
    /// <param name="patience">After so long it is due, whatever its deadline.</param>
    internal BatchRow(in RowRequest<TInput> request, TimeSpan enqueued, TimeSpan deadline, TimeSpan patience)
    {
        (Input, WantsLogits, Priority, _shedOnce) = (request.Input, request.WantsLogits, request.Priority, request.ShedOnce);
        (Enqueued, Deadline, Level) = (enqueued, deadline, (int)request.Priority);
        Due = deadline < enqueued + patience ? deadline : enqueued + patience;
        Sequence = Interlocked.Increment(ref Arrivals);
        _hash = Input.GetHashCode();
    }

    internal TInput Input { get; }

    internal bool WantsLogits { get; }

    internal RequestPriority Priority { get; }

    internal TimeSpan Enqueued { get; }

    internal TimeSpan Deadline { get; }

    /// <summary>Rows of a level are computed in the order of these.</summary>
    internal TimeSpan Due { get; }

    /// <summary>Order of arrival.</summary>
    internal long Sequence { get; }

    /// <summary>The level of the queue at which it stands: its priority, or a higher one once it has waited.</summary>
    internal int Level { get; set; }

    /// <summary>Memory that it holds while it waits.</summary>
    internal long Bytes => Input.Bytes + OwnBytes;

    internal Task<RowResult<TOutput>> Result => _result.Task;

    /// <summary>Calls back when the caller goes away, at once if it has.</summary>
    internal void OnCancelled(Action<BatchRow<TInput, TOutput>> cancelled, CancellationToken cancellationToken) =>
        _registration = cancellationToken.UnsafeRegister(static state =>
        {
            var (row, cancelled) = ((BatchRow<TInput, TOutput>, Action<BatchRow<TInput, TOutput>>))state!;
            cancelled(row);
        }, (this, cancelled));

    internal void Complete(RowResult<TOutput> result)
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

    /// <summary>Counts that it is not computed, unless its request has been counted.</summary>
    internal void CountShed(VersionMetrics metrics, ShedReason reason)
    {
        if (_shedOnce is null || _shedOnce.TryTake())
            metrics.Shed(reason);
    }

    /// <summary>Its deadline has passed while it waited.</summary>
    internal void Expire(VersionMetrics metrics)
    {
        CountShed(metrics, ShedReason.DeadlineExceeded);
        Fail(new DeadlineExceededException(metrics.Name, "the deadline passed while the request waited for"));
    }

    internal void Cancel() => _result.TrySetCanceled(_registration.Token);

    /// <summary>Nobody will hear of it: it was refused.</summary>
    internal void Forget() => _registration.Unregister();
}
