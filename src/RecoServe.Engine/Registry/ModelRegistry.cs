using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

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
    private readonly RegistryOptions _options;
    private readonly IModelRepository _repository;
    private readonly VersionTable _table;
    private readonly TrafficTable _traffic;
    private readonly VersionLifecycle _lifecycle;
    private readonly RepositoryReload _reload;

    /// <summary>Creates an empty registry; <see cref="LoadRepositoryAsync"/> fills it.</summary>
    public ModelRegistry(
        RegistryOptions options, RunnerOptions runner, BatcherOptions batcher, EngineMetrics metrics, TimeProvider clock, ILogger<ModelRegistry> log)
    {
        (_options, DefaultModel) = (options, options.DefaultModel);
        var budget = new MemoryBudget(options.MemoryLimit);
        _repository = BucketAddress.IsMeant(options.Repository) ? BucketRepository.Create(options, metrics, clock, log) : new ModelRepository(options.Repository, log);
        _table = new VersionTable(log);
        _traffic = new TrafficTable(_repository.TrafficRoot, _table, log);
        var loader = new VersionLoader(runner, batcher, budget, _table, clock, log);
        _lifecycle = new VersionLifecycle(_repository, _table, _traffic, budget, loader, metrics, clock, log);
        _reload = new RepositoryReload(options, _repository, _table, _traffic, budget, _lifecycle);
        Traffic = new TrafficRouter(options.CanaryPercent, _repository, _table, _traffic, _lifecycle, log);
    }

    /// <summary>Raised after a version changed its state, on the thread that changed it.</summary>
    public event Action<ModelVersion>? Changed
    {
        add => _table.Changed += value;
        remove => _table.Changed -= value;
    }

    /// <summary>All models with their versions, newest first.</summary>
    public IReadOnlyDictionary<string, ImmutableArray<ModelVersion>> Models => _table.Models;

    /// <summary>
    /// Whether a version serves. A model without one does not count against it: a version ends only when it is unloaded on
    /// purpose, one that fails never takes the place of one that serves, and a failure at start-up is fatal.
    /// </summary>
    public bool IsReady => _table.AnyServes;

    /// <summary>
    /// The model that answers requests which name none: the configured one, else the only package of the repository when it was
    /// loaded. Empty if there were several. Models that are loaded later do not change it.
    /// </summary>
    public string DefaultModel { get; private set; }

    /// <summary>
    /// Loads the versions of every model that the policy asks for, and those that labels point at. At start-up it is fatal if none
    /// of a model can be loaded, and all problems are told; a model of which nothing is complete yet is passed over, unless it is the
    /// default or there is no other.
    /// </summary>
    /// <exception cref="AggregateException">One <see cref="PackageException"/>, or <see cref="StoreUnavailableException"/>, for each model that cannot be loaded.</exception>
    public async Task LoadRepositoryAsync(CancellationToken cancellationToken)
    {
        var models = await _repository.ModelsAtStartAsync(DefaultModel, cancellationToken);
        if (DefaultModel.Length == 0 && models.Where(_repository.HasPackage).ToArray() is [var only])
            DefaultModel = only.Name;
        await _reload.StartAsync(models, cancellationToken);
        if (DefaultModel.Length > 0 && _table.Of(DefaultModel).IsEmpty)
            throw new AggregateException(new PackageException(_options.Repository, $"has no model \"{DefaultModel}\", the configured default"));
    }

    /// <summary>
    /// Loads a version, warms it up, asks its golden probe, and publishes it. Versions that serve already are not touched;
    /// if this one fails they go on. Nothing happens if it serves already and its package has not changed. No policy will unload it.
    /// </summary>
    /// <exception cref="ModelNotFoundException">The repository does not have it.</exception>
    /// <exception cref="PackageException">Names the file, or at least the directory, at fault; the version is then Failed.</exception>
    /// <exception cref="ModelMemoryException">It would not fit; the version is then Failed.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer; nothing has changed.</exception>
    public async Task<ModelVersion> LoadAsync(string name, long version, CancellationToken cancellationToken)
    {
        var (loaded, _) = await _lifecycle.LoadAsync(name, version, byHand: true, cancellationToken);
        if (_traffic.Written(name).RolledBack.ContainsKey(version))
            _traffic.Change(name, t => t.RolledBack.ContainsKey(version) ? t with { RolledBack = t.RolledBack.Remove(version) } : t);
        else
            _traffic.Hold(name);
        return loaded;
    }

    /// <summary>
    /// Takes a version out of service; completes when its last request has been answered and its memory is free. No policy will load
    /// it again before its files change.
    /// </summary>
    /// <exception cref="ModelNotFoundException">It does not serve.</exception>
    /// <exception cref="ModelStateException">A label points at it.</exception>
    public async Task<ModelVersion> UnloadAsync(string name, long version)
    {
        var (ending, ended) = await _lifecycle.UnloadAsync(name, version, byHand: true);
        await ended;
        return ending;
    }

    /// <summary>Looks at the repository now, and loads and unloads as the policy asks for.</summary>
    /// <exception cref="PackageException">It cannot be read; everything is as it was.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer; everything is as it was.</exception>
    public Task<IReadOnlyList<ReloadOutcome>> ReloadAsync(CancellationToken cancellationToken) => _reload.LookAsync(cancellationToken);

    /// <summary>Tells of every version as it is now, and then of every change of a state, in order, until disposed.</summary>
    /// <param name="tell">Called on the thread that changes; must not block.</param>
    public IDisposable Watch(Action<ModelVersion> tell) => _table.Watch(tell);

    /// <summary>The version that would answer now.</summary>
    /// <exception cref="ModelNotFoundException">No such model, version or label, or it does not serve.</exception>
    /// <exception cref="ModelUnavailableException">It is still being loaded.</exception>
    public ModelVersion FindAnswering(in ModelSelector selector)
    {
        using var lease = Acquire(selector);
        return lease.Version;
    }

    /// <summary>Every model that the repository has, loaded or not.</summary>
    /// <exception cref="PackageException">It cannot be read.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer.</exception>
    public Task<IReadOnlyList<RepositoryModel>> ListRepositoryAsync(CancellationToken cancellationToken) => _repository.ModelsAsync(cancellationToken);

    /// <summary>Which versions answer which requests.</summary>
    public TrafficRouter Traffic { get; }

    internal IModelRepository Repository => _repository;

    /// <summary>A version that serves; null if it does not.</summary>
    internal ModelVersion? TryFindServing(string name, long version) => _table.Serving(name, version);

    /// <summary>Drains and frees every version.</summary>
    public async ValueTask DisposeAsync()
    {
        await _lifecycle.DisposeAsync();
        _reload.Dispose();
        _repository.Dispose();
    }

    /// <summary>When to ask again, as the queue of every model that serves is full; null if one is not, or if none serves.</summary>
    internal TimeSpan? FullFor
    {
        get
        {
            TimeSpan? shortest = null;
            foreach (var (_, versions) in _table.Models)
            {
                foreach (var version in versions)
                {
                    if (version.ServingModel is not { } model)
                        continue;
                    if (model.FullFor is not { } wait)
                        return null;
                    shortest = wait < (shortest ?? TimeSpan.MaxValue) ? wait : shortest;
                }
            }

            return shortest;
        }
    }

    /// <summary>Takes a lease on the version that a request asks for.</summary>
    /// <param name="selector">Model, and version or label.</param>
    /// <param name="key">The user, or the request: the same key gets the same version. Empty if neither is known.</param>
    /// <exception cref="ModelNotFoundException">No such model, version or label, or it does not serve.</exception>
    /// <exception cref="ModelUnavailableException">It is still being loaded.</exception>
    internal ModelLease Acquire(in ModelSelector selector, string key = "")
    {
        var name = selector.Name.Length > 0 ? selector.Name : DefaultModel;
        while (true)
        {
            // In this order: what a label points at serves, so it is in a table that is read later.
            var traffic = _traffic.Of(name);
            var versions = _table.Require(name);
            var (version, label) = Traffic.Choose(name, selector, traffic, key);
            if (VersionChoice.TryAcquire(versions, traffic, version, label) is { } lease)
                return lease;
            // A swap may have passed between two looks: the next version not yet serving when it was tried, the last one
            // no longer. Whoever began to serve meanwhile is still there.
            var asked = versions.Where(v => version is null || v.Version == version).ToArray();
            if (!Array.Exists(asked, v => v.State == VersionState.Serving) && ReferenceEquals(traffic, _traffic.Of(name)) && versions == _table.Require(name))
                throw NotServing(name, version, asked);
        }
    }

    /// <summary>Takes a lease on the version of a model that answers by default; null if none does.</summary>
    internal ModelLease? TryAcquire(string name)
    {
        var traffic = _traffic.Of(name);
        return VersionChoice.TryAcquire(_table.Of(name), traffic, traffic.HolderOf(Labels.Stable), "");
    }

    private Exception NotServing(string name, long? version, ModelVersion[] asked)
    {
        if (Array.Find(asked, v => v.State is VersionState.Loading or VersionState.Warming) is { } coming)
            return new ModelUnavailableException($"version {coming.Version} of model \"{name}\" is still {coming.State}");
        var serving = string.Join(", ", _table.Require(name).Where(v => v.State == VersionState.Serving).Select(v => v.Version));
        return new ModelNotFoundException(version is null
            ? $"no version of model \"{name}\" serves"
            : $"version {version} of model \"{name}\" does not serve; serving: {(serving.Length > 0 ? serving : "none")}");
    }
}
