using RecoServe.Trainer.Models;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// An item's share of everything shown, whoever saw it: (count + s) / (Σ count + s N) (Strehl et al., NIPS 2010). Right where
/// the logging policy showed the same to all.
/// </summary>
internal sealed class FrequencyPropensity : IPropensity, IDisposable
{
    private readonly Tensor _logShares;

    /// <param name="counts">How often each item was shown, N + 1 numbers; the first is not read.</param>
    /// <param name="smoothing">s, above 0: what was never shown may yet be.</param>
    public FrequencyPropensity(ReadOnlySpan<long> counts, double smoothing) => _logShares = tensor(LogShares.Of(counts, smoothing));

    /// <inheritdoc/>
    public Tensor LogOf(Batch batch, Tensor states)
    {
        using var targets = batch.Targets();
        return _logShares.index_select(0, targets);
    }

    public void Dispose() => _logShares.Dispose();
}
