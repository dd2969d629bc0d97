using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>
/// The models that can answer. Requests take a lease on a version; versions are loaded beside those that serve, published
/// by one reference swap, and freed only when their last lease has been given back — never by a time limit.
/// </summary>
/// <remarks>
/// Readers see an immutable table that writers replace whole. Order of ending: last lease → batcher's worker → native
/// sessions → item matrix.
/// </remarks>
public sealed class ModelRegistry : IAsyncDisposable
{
    private static readonly TimeSpan DrainReport = TimeSpan.FromSeconds(10);

    private readonly RegistryOptions _options;
    private readonly RunnerOptions _runner;
    private readonly BatcherOptions _batcher;
    private readonly RunGate _gate;
    private readonly ModelRepository _repository;
    private readonly EngineMetrics _metrics;
    private readonly TimeProvider _clock;
    private readonly ILogger<ModelRegistry> _log;

    /// <summary>One load or unload at a time: two would compete for the memory and cores of those who serve.</summary>
    private readonly SemaphoreSlim _changes = new(1);

    /// <summary>Versions by model name, newest first.</summary>
    private volatile ImmutableSortedDictionary<string, ImmutableArray<ModelVersion>> _models =
        ImmutableSortedDictionary.Create<string, ImmutableArray<ModelVersion>>(StringComparer.Ordinal);

    /// <summary>Creates an empty registry; <see cref="LoadRepositoryAsync"/> fills it.</summary>
    public ModelRegistry(
        RegistryOptions options, RunnerOptions runner, BatcherOptions batcher, EngineMetrics metrics, TimeProvider clock, ILogger<ModelRegistry> log)
    {
        (_options, _runner, _batcher, _metrics, _clock, _log) = (options, runner, batcher, metrics, clock, log);
        _repository = new ModelRepository(options.Repository, log);
        _gate = new RunGate(runner.InstanceCount);
        DefaultModel = options.DefaultModel;
    }

    /// <summary>Raised after a version changed its state, on the thread that changed it.</summary>
    public event Action<ModelVersion>? Changed;

    /// <summary>All models with their versions, newest first.</summary>
    public IReadOnlyDictionary<string, ImmutableArray<ModelVersion>> Models => _models;

    /// <summary>
    /// Whether a version serves. A model without one does not count against it: a version ends only when it is unloaded on
    /// purpose, one that fails never takes the place of one that serves, and a failure at start-up is fatal.
    /// </summary>
    public bool IsReady => _models.Values.Any(versions => versions.Any(v => v.State == VersionState.Serving));

    /// <summary>
    /// The model that answers requests which name none: the configured one, else the only one of the repository when it was
    /// loaded. Empty if there were several. Models that are loaded later do not change it.
    /// </summary>
    public string DefaultModel { get; private set; }

    /// <summary>Loads the newest complete version of every model. At start-up every error is fatal, and all are told.</summary>
    /// <exception cref="AggregateException">One <see cref="PackageException"/> for each model that cannot be loaded.</exception>
    public async Task LoadRepositoryAsync(CancellationToken cancellationToken)
    {
        var errors = new List<Exception>();
        var newest = _repository.NewestVersions();
        if (DefaultModel.Length == 0 && newest.Count == 1)
            DefaultModel = newest[0].Name;
        foreach (var (name, version) in newest)
        {
            try
            {
                await LoadAsync(name, version, cancellationToken);
            }
            catch (PackageException e)
            {
                errors.Add(e);
            }
        }

        if (errors.Count > 0)
            throw new AggregateException("the model repository cannot be loaded", errors);
        if (DefaultModel.Length > 0 && !_models.ContainsKey(DefaultModel))
            throw new AggregateException(new PackageException(_options.Repository, $"has no model \"{DefaultModel}\", the configured default"));
    }

    /// <summary>
    /// Loads a version, warms it up, asks its golden probe, and publishes it. Versions that serve already are not touched;
    /// if this one fails they go on. Nothing happens if it serves already.
    /// </summary>
    /// <exception cref="ModelNotFoundException">The repository does not have it.</exception>
    /// <exception cref="PackageException">Names the file, or at least the directory, at fault; the version is then Failed.</exception>
    public async Task<ModelVersion> LoadAsync(string name, long version, CancellationToken cancellationToken)
    {
        var directory = _repository.Find(name, version);
        await _changes.WaitAsync(cancellationToken);
        try
        {
            if (TryFind(name, version) is { State: VersionState.Serving } serving)
                return serving;
            var loading = new ModelVersion(name, version, _metrics.ForVersion(name, version));
            Publish(loading);
            // Not the caller's token: a version that was published as Loading must come to an end of it.
            await Task.Factory.StartNew(
                () => LoadAndWarm(loading, directory), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return loading;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Takes a version out of service; completes when its last request has been answered and its memory is free.</summary>
    /// <exception cref="ModelNotFoundException">It does not serve.</exception>
    public async Task<ModelVersion> UnloadAsync(string name, long version)
    {
        var ending = await BeginDrainAsync(name, version);
        // Outside the gate: a request that never ends must not keep other versions from loading.
        await EndAsync(ending);
        return ending;
    }

    /// <summary>Drains and frees every version.</summary>
    public async ValueTask DisposeAsync()
    {
        await _changes.WaitAsync();
        var versions = _models.Values.SelectMany(v => v).ToArray();
        foreach (var version in versions.Where(v => v.State == VersionState.Serving))
            Drain(version);
        await Task.WhenAll(versions.Where(v => v.State == VersionState.Draining).Select(EndAsync));
        foreach (var version in versions)
            version.Metrics.Dispose();
        _changes.Dispose();
    }

    /// <summary>Takes a lease on the version that a request asks for.</summary>
    /// <exception cref="ModelNotFoundException">No such model, version or label, or it does not serve.</exception>
    /// <exception cref="ModelUnavailableException">It is still being loaded.</exception>
    internal ModelLease Acquire(ModelSelector selector)
    {
        var name = selector.Name.Length > 0 ? selector.Name : DefaultModel;
        if (selector.Label is { } label && _models.ContainsKey(name))
            throw new ModelNotFoundException($"model \"{name}\" has no label \"{label}\"");
        while (true)
        {
            var versions = VersionsOf(name).Where(v => selector.Version is null || v.Version == selector.Version).ToArray();
            foreach (var version in versions)
            {
                if (version.TryAcquire(out var lease))
                    return lease;
            }

            // A swap may have passed between two looks: the next version not yet serving when it was tried, the last one
            // no longer. Whoever began to serve meanwhile is still there.
            if (!Array.Exists(versions, v => v.State == VersionState.Serving))
                throw NotServing(name, selector.Version, versions);
        }
    }

    /// <summary>Takes a lease on the newest version of a model that serves; null if none does.</summary>
    internal ModelLease? TryAcquire(string name)
    {
        foreach (var version in _models.TryGetValue(name, out var versions) ? versions : [])
        {
            if (version.TryAcquire(out var lease))
                return lease;
        }

        return null;
    }

    private ImmutableArray<ModelVersion> VersionsOf(string name)
    {
        if (_models.TryGetValue(name, out var versions))
            return versions;
        var known = string.Join(", ", _models.Keys);
        throw new ModelNotFoundException(name.Length > 0
            ? $"there is no model \"{name}\"; there is: {known}"
            : $"no default model is configured: name one of {known}");
    }

    private Exception NotServing(string name, long? version, ModelVersion[] asked)
    {
        if (Array.Find(asked, v => v.State is VersionState.Loading or VersionState.Warming) is { } coming)
            return new ModelUnavailableException($"version {coming.Version} of model \"{name}\" is still {coming.State}");
        var serving = string.Join(", ", VersionsOf(name).Where(v => v.State == VersionState.Serving).Select(v => v.Version));
        return new ModelNotFoundException(version is null
            ? $"no version of model \"{name}\" serves"
            : $"version {version} of model \"{name}\" does not serve; serving: {(serving.Length > 0 ? serving : "none")}");
    }

    private void LoadAndWarm(ModelVersion version, string directory)
    {
        LoadedModel? model = null;
        try
        {
            var start = _clock.GetTimestamp();
            model = LoadedModel.Load(directory, _runner);
            RequireIdentity(model.Package, version);
            var loaded = _clock.GetTimestamp();
            version.Warm(model);
            Tell(version);
            model.WarmUp();
            model.Start(_batcher, _gate, _clock, version.Metrics, _log);
            version.Serve();
            EngineLog.VersionServes(
                _log, version.Metrics.Name, model.Package.Manifest.ItemCount,
                _clock.GetElapsedTime(start, loaded).TotalMilliseconds, _clock.GetElapsedTime(loaded).TotalMilliseconds);
            Tell(version);
        }
        catch (Exception e)
        {
            model?.DisposeUnstarted();
            var problem = e as PackageException ?? new PackageException(directory, $"cannot be loaded: {e.Message}", e);
            version.Fail(problem.Message);
            EngineLog.VersionFailed(_log, version.Metrics.Name, problem.Message);
            Tell(version);
            throw problem;
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

    private async Task<ModelVersion> BeginDrainAsync(string name, long version)
    {
        await _changes.WaitAsync();
        try
        {
            if (TryFind(name, version) is not { State: VersionState.Serving } serving)
                throw new ModelNotFoundException($"version {version} of model \"{name}\" does not serve");
            Drain(serving);
            return serving;
        }
        finally
        {
            _changes.Release();
        }
    }

    private void Drain(ModelVersion version)
    {
        version.Drain();
        Tell(version);
    }

    private async Task EndAsync(ModelVersion version)
    {
        var start = _clock.GetTimestamp();
        while (await Task.WhenAny(version.Drained, Task.Delay(DrainReport, _clock)) != version.Drained)
            EngineLog.DrainSlow(_log, version.Metrics.Name, version.Leases, _clock.GetElapsedTime(start));
        await version.UnloadAsync();
        Tell(version);
    }

    private ModelVersion? TryFind(string name, long version) =>
        _models.TryGetValue(name, out var versions) ? versions.FirstOrDefault(v => v.Version == version) : null;

    /// <summary>Puts a version into the table, in the place of an ended one of the same number.</summary>
    private void Publish(ModelVersion version)
    {
        TryFind(version.Name, version.Version)?.Metrics.Dispose();
        var others = _models.TryGetValue(version.Name, out var versions) ? versions.Where(v => v.Version != version.Version) : [];
        _models = _models.SetItem(version.Name, [.. others.Append(version).OrderByDescending(v => v.Version)]);
        Tell(version);
    }

    private void Tell(ModelVersion version)
    {
        EngineLog.VersionState(_log, version.Metrics.Name, version.State.ToString());
        Changed?.Invoke(version);
    }
}
