using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace RecoServe.Benchmarks;

/// <summary>
/// How BenchmarkDotNet runs. In this process: a generated project would inherit the repository's build settings, and rows and models
/// are made once.
/// </summary>
internal sealed class InProcessRun : ManualConfig
{
    public InProcessRun()
    {
        // Sorting a million items takes 0.1 s, hence one call at least. A call takes long enough not to need a loop unrolled or the
        // loop's own cost subtracted; and nothing allocates. The warm-up outlasts the tiers of the JIT, which compiles in the
        // background, also on a busy machine.
        AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(40).WithIterationCount(25).WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(10))
            .WithMinInvokeCount(1).WithUnrollFactor(1).WithEvaluateOverhead(false).WithGcForce(false));
        AddLogger(ConsoleLogger.Default);
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddExporter(MarkdownExporter.GitHub);
        WithArtifactsPath(ResultFile.Folder);
        // The median of a noisy machine is nearer the truth than its mean.
        AddColumn(StatisticColumn.Median);
        HideColumns(Column.Error, Column.StdDev, Column.RatioSD);
    }
}
