using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Traffic;

/// <summary>
/// Computes copies of requests by two versions and compares the slates. The answer has been given by then: one copy at a time is
/// computed, with low priority, and none while anybody waits for either version; what does not fit into a short queue is dropped.
/// </summary>
internal sealed class ShadowRunner : IAsyncDisposable
{
    private const int MaxWaiting = 16;

    private readonly ILogger _log;
    private readonly Channel<ShadowCopy> _copies = Channel.CreateBounded<ShadowCopy>(MaxWaiting);
    private readonly ConditionalWeakTable<ModelVersion, ShadowStatistics> _statistics = [];

    /// <summary>What versions had for the request before.</summary>
    private readonly ConditionalWeakTable<ModelVersion, RankedSlate> _before = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    internal ShadowRunner(ILogger log)
    {
        _log = log;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Takes a copy of a request; never waits.</summary>
    internal void Offer(ShadowCopy copy)
    {
        if (!_copies.Writer.TryWrite(copy))
            Drop(copy);
    }

    /// <summary>How a version compares; null if it never was.</summary>
    internal ShadowSummary? Summarise(ModelVersion version) => _statistics.TryGetValue(version, out var found) ? found.Summarise() : null;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _copies.Writer.Complete();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await foreach (var copy in _copies.Reader.ReadAllAsync(_stop.Token))
        {
            try
            {
                await CompareAsync(copy, _stop.Token);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Whatever went wrong, it is a copy; the runner lives on.
                _statistics.GetOrCreateValue(copy.Compared).Failed();
                copy.Compared.Metrics.Shadow("failed");
                if (e is not (InvalidRequestException or InvalidLogitsException))
                    EngineLog.ShadowFailed(_log, copy.Compared.Metrics.Name, e);
            }
        }
    }

    private async Task CompareAsync(ShadowCopy copy, CancellationToken cancellationToken)
    {
        if (!copy.Compared.TryAcquire(out var compared))
            return;
        using (compared)
        {
            if (!copy.Reference.TryAcquire(out var reference))
                return;
            using (reference)
            {
                if (IsBusy(compared.Batcher) || IsBusy(reference.Batcher))
                {
                    Drop(copy);
                    return;
                }

                var first = await RankedSlate.ComputeAsync(reference, copy.Request, cancellationToken);
                var second = await RankedSlate.ComputeAsync(compared, copy.Request, cancellationToken);
                _before.TryGetValue(copy.Reference, out var another);
                _before.AddOrUpdate(copy.Reference, first);
                Tell(copy, SlateComparison.Of(first, second, another));
            }
        }
    }

    private static bool IsBusy(Batcher<EncoderInput, BatchOutput> batcher) => batcher.QueueLength > 0;

    private void Tell(ShadowCopy copy, in SlateComparison comparison)
    {
        _statistics.GetOrCreateValue(copy.Compared).Compared(comparison);
        copy.Compared.Metrics.Shadow("compared");
        copy.Compared.Metrics.Compare(comparison);
        copy.Done?.Invoke(comparison);
    }

    private void Drop(ShadowCopy copy)
    {
        _statistics.GetOrCreateValue(copy.Compared).Dropped();
        copy.Compared.Metrics.Shadow("dropped");
    }
}
