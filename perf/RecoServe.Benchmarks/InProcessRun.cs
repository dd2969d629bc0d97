using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using RecoServe.Testing;

namespace RecoServe.Benchmarks;

/// <summary>
/// How benchmarks run. In this process: a generated project would inherit the repository's build settings, and rows and models
/// are made once. A baseline stands beside what it is compared with, so that ratios hold on a shared machine too.
/// </summary>
internal sealed class InProcessRun : ManualConfig
{
    internal static readonly string Folder = RepositoryRoot.File("artifacts", "bench");

    public InProcessRun(int warmups, int iterations, ILogger logger)
    {
        // Sorting a million items takes 0.1 s, hence one call at least. A call takes long enough not to need a loop unrolled or the
        // loop's own cost subtracted; and nothing allocates.
        AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(warmups).WithIterationCount(iterations).WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(10))
            .WithMinInvokeCount(1).WithUnrollFactor(1).WithEvaluateOverhead(false).WithGcForce(false));
        AddLogger(logger);
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddExporter(MarkdownExporter.GitHub);
        WithArtifactsPath(Folder);
        // The median of a noisy machine is nearer the truth than its mean.
        AddColumn(StatisticColumn.Median);
        HideColumns(Column.Error, Column.StdDev, Column.RatioSD);
    }
}
