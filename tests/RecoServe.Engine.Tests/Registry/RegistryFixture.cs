using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Registry;

/// <summary>A repository of small packages and registries over it.</summary>
internal sealed class RegistryFixture : IAsyncDisposable
{
    private readonly List<ModelRegistry> _registries = [];

    internal TemporaryDirectory Repository { get; } = new();

    internal EngineMetrics Metrics { get; } = new();

    internal static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await StopAllAsync();
        Metrics.Dispose();
        Repository.Dispose();
    }

    /// <summary>An empty registry.</summary>
    internal ModelRegistry Create(Action<RegistryOptions>? change = null, ILogger<ModelRegistry>? log = null, BatcherOptions? batcher = null, RunnerOptions? runner = null, TimeProvider? clock = null)
    {
        var options = new RegistryOptions { Repository = Repository.Path };
        change?.Invoke(options);
        var registry = new ModelRegistry(
            options, runner ?? new RunnerOptions(), batcher ?? new BatcherOptions(), Metrics, clock ?? TimeProvider.System, log ?? NullLogger<ModelRegistry>.Instance);
        _registries.Add(registry);
        return registry;
    }

    /// <summary>A registry that has started.</summary>
    internal async Task<ModelRegistry> StartAsync(Action<RegistryOptions>? change = null, ILogger<ModelRegistry>? log = null)
    {
        var registry = Create(change, log);
        await registry.LoadRepositoryAsync(Token);
        return registry;
    }

    /// <summary>Stops a registry, so that another one can start over the same repository.</summary>
    internal async Task StopAsync(ModelRegistry registry)
    {
        _registries.Remove(registry);
        await registry.DisposeAsync();
    }

    internal async Task StopAllAsync()
    {
        foreach (var registry in _registries)
            await registry.DisposeAsync();
        _registries.Clear();
    }

    internal void Publish(params long[] versions) => Publish(new TestModel(), versions);

    internal void Publish(TestModel model, params long[] versions)
    {
        foreach (var version in versions)
            model.Publish(Repository.Path, version);
    }

    internal string FileOf(long version, string file) => Repository.File($"toy/{version}/{file}");

    /// <summary>Writes a file anew so that its time tells: some file systems count in ticks that two writes may share.</summary>
    internal static void Rewrite(string path, byte[] content)
    {
        var before = File.GetLastWriteTimeUtc(path);
        File.WriteAllBytes(path, content);
        File.SetLastWriteTimeUtc(path, before + TimeSpan.FromSeconds(1));
    }

    internal static long[] Serving(ModelRegistry registry, string name = "toy") =>
        [.. registry.Models[name].Where(v => v.State == VersionState.Serving).Select(v => v.Version)];

    internal static string Describe(IEnumerable<ReloadOutcome> outcomes) => string.Join(", ", outcomes.Select(o => $"{o.Version} {o.Action}"));

    /// <summary>Which version answers, and by which label.</summary>
    internal static (long Version, string Label) Ask(ModelRegistry registry, string user = "", string? label = null)
    {
        using var lease = registry.Acquire(new ModelSelector("toy", null, label), user);
        return (lease.Version.Version, lease.Label);
    }

    internal string Manifest(long version) => FileOf(version, PackageFiles.Manifest);
}
