using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>Brings a version from its files to serving, or to Failed.</summary>
internal sealed class VersionLoader(
    RunnerOptions runner, BatcherOptions batcher, MemoryBudget budget, VersionTable table, TimeProvider clock, ILogger log)
{
    private readonly RunGate _gate = new(runner.InstanceCount);

    /// <summary>Refuses the version if it would not fit, verifies the files, creates the sessions, warms them up and asks the probe.</summary>
    /// <param name="version">Loading.</param>
    /// <param name="directory">Its files.</param>
    /// <param name="lowPriority">Whether others serve meanwhile.</param>
    /// <exception cref="PackageException">Names the file, or at least the directory, at fault; the version is then Failed.</exception>
    /// <exception cref="ModelMemoryException">It would not fit; the version is then Failed.</exception>
    internal async Task LoadAsync(ModelVersion version, string directory, bool lowPriority)
    {
        LoadedVersion? model = null;
        try
        {
            RuntimeThreads.Create(runner.PoolSize); // here, or its threads would be of low priority
            var (start, before) = (clock.GetTimestamp(), NativeHeap.BytesInUse());
            model = await LoadThread.RunAsync($"load {version.Metrics.Name}", lowPriority, () => Load(version, directory));
            var loaded = clock.GetTimestamp();
            version.Warm(model);
            table.Tell(version);
            await LoadThread.RunAsync($"warm {version.Metrics.Name}", lowPriority, model.WarmUp);
            if (model.LeftCold is { } problem)
                EngineLog.LeftCold(log, version.Metrics.Name, problem);
            version.Measure(NativeHeap.BytesInUse() - before);
            budget.Correct(version, version.NativeBytes ?? 0);
            model.Start(batcher, _gate, clock, version.Metrics, log);
            version.Serve();
            EngineLog.VersionServes(
                log, version.Metrics.Name, model.Summary,
                clock.GetElapsedTime(start, loaded).TotalMilliseconds, clock.GetElapsedTime(loaded).TotalMilliseconds);
            table.Tell(version);
        }
        catch (Exception e)
        {
            var isTold = e is PackageException or ModelMemoryException;
            throw Fail(version, model, isTold ? e : new PackageException(directory, $"cannot be loaded: {e.Message}", e));
        }
    }

    private LoadedVersion Load(ModelVersion version, string directory)
    {
        if (GraphFiles.IsGraph(directory))
        {
            version.Expect(PackageFingerprint.OfContent(directory), MemoryEstimate.OfGraph(directory));
            budget.Hold(version, version.EstimatedBytes);
            return LoadedGraph.Load(directory, runner);
        }

        var manifest = ModelManifest.Read(Path.Combine(directory, PackageFiles.Manifest));
        version.Expect(PackageFingerprint.OfContent(directory), MemoryEstimate.Of(manifest, runner));
        budget.Hold(version, version.EstimatedBytes);
        return LoadedModel.Load(directory, version, runner, batcher.MaxQueueDelay);
    }

    private Exception Fail(ModelVersion version, LoadedVersion? model, Exception problem)
    {
        model?.DisposeUnstarted();
        budget.Release(version);
        version.Fail(problem.Message, problem is ModelMemoryException);
        EngineLog.VersionFailed(log, version.Metrics.Name, problem.Message);
        table.Tell(version);
        return problem;
    }
}
