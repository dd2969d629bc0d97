using System.Globalization;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Sampling;

namespace RecoServe.Engine.Registry;

/// <summary>A version that is a model package.</summary>
internal sealed class LoadedModel : LoadedVersion
{
    private readonly ModelGraphs _graphs;
    private readonly ModelRunner[] _runners;

    private LoadedModel(ModelPackage package, ModelGraphs graphs, int instances, TimeSpan maxQueueDelay)
    {
        (Package, _graphs) = (package, graphs);
        Signature = PackageTensors.Signature(package.Manifest, graphs.MaxBatchSize, maxQueueDelay, instances);
        _runners = [.. Enumerable.Range(0, instances).Select(_ => new ModelRunner(graphs))];
    }

    internal ModelPackage Package { get; }

    internal override GraphSignature Signature { get; }

    internal override string Summary => string.Create(CultureInfo.InvariantCulture, $"{Package.Manifest.ItemCount} items");

    internal ItemMatrix Matrix => _graphs.Matrix;

    /// <summary>The logits for someone of whom nothing is known; set by <see cref="WarmUp"/>.</summary>
    internal float[] LogitsOfNobody { get; private set; } = [];

    /// <summary>Set by <see cref="Start"/>.</summary>
    internal Batcher<EncoderInput, BatchOutput> Batcher { get; private set; } = null!;

    /// <summary>Verifies the files and creates the sessions.</summary>
    /// <exception cref="PackageException">Names the file at fault.</exception>
    internal static LoadedModel Load(string directory, ModelVersion version, RunnerOptions options, TimeSpan maxQueueDelay)
    {
        var package = ModelPackage.Open(directory);
        RequireIdentity(package, version);
        var graphs = new ModelGraphs(package, options);
        try
        {
            return new LoadedModel(package, graphs, options.InstanceCount, maxQueueDelay);
        }
        catch // no memory for its inputs
        {
            graphs.Dispose();
            throw;
        }
    }

    /// <remarks>Draws a slate too, and asks the golden probe.</remarks>
    internal override IReadOnlyList<int> WarmUp()
    {
        var runner = _runners[0]; // the others share its sessions
        var runs = Calibrate(runner);
        ProbeCheck.Run(Package, runner);
        LogitsOfNobody = runner.Logits(Row(0));
        NucleusSampler.Sample(LogitsOfNobody, null, new SamplingParameters(), new SlateSlot[1]);
        return runs;
    }

    internal override void Start(BatcherOptions options, RunGate gate, TimeProvider clock, VersionMetrics metrics, ILogger log) =>
        Batcher = new Batcher<EncoderInput, BatchOutput>(_runners, options, Cost, gate, clock, metrics, log);

    internal override async Task<RowTimings> InferAsync(
        TensorRow row, TensorResponse response, DateTimeOffset deadline, RequestPriority priority, CancellationToken cancellationToken)
    {
        var input = PackageTensors.Read(Package.Manifest, row);
        var wantsLogits = row.Request.OutputNames.Contains(PackageFiles.Logits);
        using var result = await Batcher.RunAsync(new RowRequest<EncoderInput>(input, wantsLogits, deadline, priority, row.Request.ShedOnce), cancellationToken);
        PackageTensors.Write(result, response, row);
        return result.Timings;
    }

    internal override int MostWaiting(long rowBytes) => Batcher.MostWaiting(rowBytes);

    internal override TimeSpan? FullFor => Batcher.FullFor;

    public override async ValueTask DisposeAsync()
    {
        await Batcher.DisposeAsync();
        DisposeUnstarted();
    }

    internal override void DisposeUnstarted()
    {
        foreach (var runner in _runners)
            runner.Dispose();
        _graphs.Dispose();
    }

    /// <summary>
    /// Runs the largest batch of the longest rows, for which all memory is claimed, then with the clock batches of every power of two
    /// below: of short rows all, of the longest those that are enough to know what a cell costs.
    /// </summary>
    private List<int> Calibrate(ModelRunner runner)
    {
        List<int> runs = [];
        const int enough = 8;
        var longest = Package.Manifest.MaxHistory;
        Run(runner.MaxBatchSize, longest);
        for (var rows = 1; rows == 1 || rows < runner.MaxBatchSize; rows *= 2)
        {
            foreach (var length in rows <= enough ? [Math.Min(1, longest), longest] : (int[])[Math.Min(1, longest)])
                Cost.Calibrate(rows, Row(length).Length, Time(() => Run(rows, length)));
        }

        return runs;

        TimeSpan Run(int rows, int length)
        {
            runs.Add(rows);
            return runner.Run(Enumerable.Repeat(Row(length), rows).ToArray(), rows, static (_, run) => run.Total);
        }
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
