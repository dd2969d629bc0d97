using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using RecoServe.Testing;

namespace RecoServe.Benchmarks;

/// <summary>
/// A run of all benchmarks within three minutes. In this process: a generated project would inherit the repository's build
/// settings, and loading a model once is enough. Baselines share the run, so that ratios hold on a shared machine too.
/// </summary>
internal sealed class ShortRun : ManualConfig
{
    internal static readonly string Folder = RepositoryRoot.File("artifacts", "bench");

    public ShortRun()
    {
        // The warm-up outlasts the tiers of the JIT, which compiles in the background, also on a busy machine.
        AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(12).WithIterationCount(15).WithIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(150)));
        AddLogger(ConsoleLogger.Default);
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddExporter(MarkdownExporter.GitHub);
        WithArtifactsPath(Folder);
        // The median of a noisy machine is nearer the truth than its mean.
        AddColumn(StatisticColumn.Median);
        HideColumns(Column.Error, Column.StdDev, Column.RatioSD);
    }
}
