using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Registry;

/// <summary>Everything in memory of one model version. Not counted by itself: <see cref="ModelVersion"/> decides when it may end.</summary>
internal sealed class LoadedModel : IAsyncDisposable
{
    private readonly ModelRunner _runner;

    private LoadedModel(ModelPackage package, ModelRunner runner) => (Package, _runner) = (package, runner);

    internal ModelPackage Package { get; }

    internal ItemMatrix Matrix => _runner.Matrix;

    /// <summary>Set by <see cref="Start"/>.</summary>
    internal Batcher Batcher { get; private set; } = null!;

    /// <summary>Verifies the files and creates the sessions.</summary>
    /// <exception cref="PackageException">Names the file at fault.</exception>
    internal static LoadedModel Load(string directory, RunnerOptions options)
    {
        var package = ModelPackage.Open(directory);
        return new LoadedModel(package, new ModelRunner(package, options));
    }

    /// <summary>
    /// Runs every batch size once and draws a slate, so that no request pays for first-time allocation and compilation,
    /// and asks the golden probe.
    /// </summary>
    /// <exception cref="PackageException">The probe is not answered as the trainer recorded.</exception>
    internal void WarmUp()
    {
        var history = Enumerable.Repeat(1, Package.Manifest.MaxHistory).ToArray();
        var context = new int[Package.Manifest.ContextFields.Count];
        for (var rows = 1; ; rows = Math.Min(rows * 2, _runner.MaxBatchSize))
        {
            var batch = Enumerable.Repeat(new EncoderInput(history, context), rows).ToArray();
            _runner.Run(batch, rows, TimeProvider.System).Release(rows);
            if (rows == _runner.MaxBatchSize)
                break;
        }

        ProbeCheck.Run(Package, _runner);
        NucleusSampler.Sample(_runner.Logits(new EncoderInput(history, context)), null, new SamplingParameters(), new SlateSlot[1]);
    }

    internal void Start(BatcherOptions options, TimeProvider clock, VersionMetrics metrics, ILogger log) =>
        Batcher = new Batcher(_runner, options, clock, metrics, log);

    /// <summary>Ends the batcher's worker first, then the native sessions and the memory they read.</summary>
    public async ValueTask DisposeAsync()
    {
        await Batcher.DisposeAsync();
        DisposeUnstarted();
    }

    /// <summary>Frees a model whose batcher was never started.</summary>
    internal void DisposeUnstarted() => _runner.Dispose();
}
