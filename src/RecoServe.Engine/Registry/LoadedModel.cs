using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Registry;

/// <summary>Everything in memory of one model version. Not counted by itself: <see cref="ModelVersion"/> decides when it may end.</summary>
internal sealed class LoadedModel : IAsyncDisposable
{
    private readonly ModelGraphs _graphs;
    private readonly ModelRunner[] _runners;
    private readonly BatchCost _cost = new();

    private LoadedModel(ModelPackage package, ModelGraphs graphs, int instances)
    {
        (Package, _graphs) = (package, graphs);
        _runners = [.. Enumerable.Range(0, instances).Select(_ => new ModelRunner(graphs))];
    }

    internal ModelPackage Package { get; }

    internal ItemMatrix Matrix => _graphs.Matrix;

    /// <summary>The logits for someone of whom nothing is known; set by <see cref="WarmUp"/>.</summary>
    internal float[] LogitsOfNobody { get; private set; } = [];

    /// <summary>Set by <see cref="Start"/>.</summary>
    internal Batcher Batcher { get; private set; } = null!;

    /// <summary>Verifies the files and creates the sessions.</summary>
    /// <exception cref="PackageException">Names the file at fault.</exception>
    internal static LoadedModel Load(string directory, ModelVersion version, RunnerOptions options)
    {
        var package = ModelPackage.Open(directory);
        RequireIdentity(package, version);
        return new LoadedModel(package, new ModelGraphs(package, options), options.InstanceCount);
    }

    /// <summary>
    /// Runs every batch size and draws a slate, so that no request pays for first-time allocation and compilation, learns what
    /// batches take, and asks the golden probe.
    /// </summary>
    /// <returns>Itself.</returns>
    /// <exception cref="PackageException">The probe is not answered as the trainer recorded.</exception>
    internal LoadedModel WarmUp()
    {
        Calibrate(_runners[0]); // the others share its sessions
        ProbeCheck.Run(Package, _runners[0]);
        LogitsOfNobody = _runners[0].Logits(Row(0));
        NucleusSampler.Sample(LogitsOfNobody, null, new SamplingParameters(), new SlateSlot[1]);
        return this;
    }

    internal void Start(BatcherOptions options, RunGate gate, TimeProvider clock, VersionMetrics metrics, ILogger log) =>
        Batcher = new Batcher(_runners, options, _cost, gate, clock, metrics, log);

    /// <summary>Ends the batcher's workers first, then the native sessions and the memory they read.</summary>
    public async ValueTask DisposeAsync()
    {
        await Batcher.DisposeAsync();
        DisposeUnstarted();
    }

    /// <summary>Frees a model whose batcher was never started.</summary>
    internal void DisposeUnstarted()
    {
        foreach (var runner in _runners)
            runner.Dispose();
        _graphs.Dispose();
    }

    /// <summary>Runs batches of every power of two and the largest, of the longest and of short rows, the second time for the clock.</summary>
    private void Calibrate(ModelRunner runner)
    {
        int[] lengths = [Package.Manifest.MaxHistory, Math.Min(1, Package.Manifest.MaxHistory)];
        for (var rows = 1; ; rows = Math.Min(rows * 2, runner.MaxBatchSize))
        {
            foreach (var row in lengths.Select(Row))
            {
                var batch = Enumerable.Repeat(row, rows).ToArray();
                runner.Run(batch, rows);
                _cost.Calibrate(rows, row.Length, Time(runner, batch));
            }

            if (rows == runner.MaxBatchSize)
                return;
        }
    }

    /// <summary>What a batch takes, not counting that others came first while it ran: those who serve are not so considerate.</summary>
    private static TimeSpan Time(ModelRunner runner, EncoderInput[] batch)
    {
        var start = LoadThread.ProcessorTime();
        var total = runner.Run(batch, batch.Length).Total;
        return LoadThread.ProcessorTime() - start is { Ticks: > 0 } alone && alone < total ? alone : total;
    }

    private static void RequireIdentity(ModelPackage package, ModelVersion version)
    {
        if (package.Manifest.Name != version.Name || package.Manifest.Version != version.Version)
        {
            throw new PackageException(
                package.PathOf(PackageFiles.Manifest),
                $"is of model \"{package.Manifest.Name}\" version {package.Manifest.Version}, its directory says \"{version.Name}\" version {version.Version}");
        }
    }

    private EncoderInput Row(int length) =>
        new(Enumerable.Repeat(1, length).ToArray(), new int[Package.Manifest.ContextFields.Count]);
}
