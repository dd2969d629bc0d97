using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Registry;

/// <summary>Everything in memory of one version. Not counted by itself: <see cref="ModelVersion"/> decides when it may end.</summary>
internal abstract class LoadedVersion : IAsyncDisposable
{
    /// <summary>What it reads and computes.</summary>
    internal abstract GraphSignature Signature { get; }

    /// <summary>What it holds, in words.</summary>
    internal abstract string Summary { get; }

    /// <summary>What its batches take.</summary>
    internal BatchCost Cost { get; } = new();

    /// <summary>
    /// Runs every batch size, so that no request pays for first-time allocation and compilation, learns what batches take, and checks
    /// what can be checked.
    /// </summary>
    /// <returns>The rows of each run.</returns>
    /// <exception cref="Packages.PackageException">It does not compute what it should.</exception>
    internal abstract IReadOnlyList<int> WarmUp();

    /// <summary>Why <see cref="WarmUp"/> left sizes out; null if it ran all. A version that serves all the same, and may fail whatever it is asked.</summary>
    internal virtual string? LeftCold => null;

    /// <summary>Begins to take rows.</summary>
    internal abstract void Start(BatcherOptions options, RunGate gate, TimeProvider clock, VersionMetrics metrics, ILogger log);

    /// <summary>Computes one row of tensors, and writes it where its outputs are put together.</summary>
    /// <exception cref="InvalidRequestException">The row cannot be one of this model's.</exception>
    /// <exception cref="OverloadedException">Too many rows wait.</exception>
    /// <exception cref="DeadlineExceededException">The deadline passed in the queue, or cannot be met.</exception>
    /// <exception cref="ModelRunException">The native run failed.</exception>
    internal abstract Task<RowTimings> InferAsync(
        TensorRow row, TensorResponse response, DateTimeOffset deadline, RequestPriority priority, CancellationToken cancellationToken);

    /// <summary>How many rows may wait at a time, of so many bytes each; at least one.</summary>
    internal abstract int MostWaiting(long rowBytes);

    /// <summary>When to ask again, as its queue is full; null if it is not.</summary>
    internal abstract TimeSpan? FullFor { get; }

    /// <summary>Ends the batcher's workers first, then the native sessions and the memory they read.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>Frees what was never started.</summary>
    internal abstract void DisposeUnstarted();

    /// <summary>What a run takes, not counting that others came first meanwhile: those who serve are not so considerate.</summary>
    /// <param name="run">Runs, and tells what it took.</param>
    protected static TimeSpan Time(Func<TimeSpan> run)
    {
        var start = LoadThread.ProcessorTime();
        var total = run();
        return LoadThread.ProcessorTime() - start is { Ticks: > 0 } alone && alone < total ? alone : total;
    }
}
