using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>
/// Brings the versions that serve into line with the repository and the policy: one look at a time. What was loaded by hand, and
/// what a label points at, is never unloaded; nor is the last version of a model, whatever became of its files.
/// </summary>
internal sealed class RepositoryReload(
    RegistryOptions options, IModelRepository repository, VersionTable table, TrafficTable traffic, MemoryBudget budget, VersionLifecycle lifecycle) : IDisposable
{
    private readonly VersionPolicies _policies = VersionPolicies.Parse(options.VersionPolicy);
    private readonly SemaphoreSlim _looks = new(1);

    /// <summary>
    /// Loads what the policy asks for. Where it is the latest versions and one cannot be loaded, an older one takes its place.
    /// </summary>
    /// <exception cref="AggregateException">Of a model none can be loaded, or not one that a label points at: all reasons.</exception>
    internal async Task StartAsync(IReadOnlyList<RepositoryModel> models, CancellationToken cancellationToken)
    {
        var problems = new List<Exception>();
        foreach (var model in models)
        {
            try
            {
                traffic.Read(model.Name);
                problems.AddRange(await StartAsync(model, cancellationToken));
            }
            catch (PackageException e)
            {
                problems.Add(e);
            }
        }

        Trim();
        if (problems.Count > 0)
            throw new AggregateException("the model repository cannot be loaded", problems);
    }

    /// <summary>Looks at the repository.</summary>
    /// <exception cref="PackageException">It cannot be read; everything is as it was.</exception>
    internal async Task<IReadOnlyList<ReloadOutcome>> LookAsync(CancellationToken cancellationToken)
    {
        await _looks.WaitAsync(cancellationToken);
        try
        {
            var outcomes = new List<ReloadOutcome>();
            var models = await repository.ModelsAsync(cancellationToken);
            table.Trim(models);
            foreach (var model in models)
            {
                try
                {
                    traffic.Read(model.Name); // other servers of the repository may have written it
                    await LookAsync(model, outcomes, cancellationToken);
                }
                catch (PackageException e)
                {
                    outcomes.Add(new ReloadOutcome(model.Name, model.Complete is [var newest, ..] ? newest : 0, ReloadAction.Failed, e.Message));
                }
            }

            Trim();
            return outcomes;
        }
        finally
        {
            _looks.Release();
        }
    }

    public void Dispose() => _looks.Dispose();

    private async Task<IReadOnlyList<Exception>> StartAsync(RepositoryModel model, CancellationToken cancellationToken)
    {
        var (policy, wanted) = (_policies.Of(model.Name), Wanted(model));
        var (problems, labelled) = (new List<Exception>(), new List<Exception>());
        var others = model.Complete.Except(wanted).OrderBy(traffic.Written(model.Name).RolledBack.ContainsKey); // a stable sort: newest first, rolled back last
        foreach (var version in policy.IsLatest ? wanted.Concat(others) : wanted)
        {
            if (policy.IsLatest && !wanted.Contains(version) && Serving(model.Name).Count(v => !IsCanary(model.Name, v)) >= policy.Latest)
                break;
            try
            {
                await lifecycle.LoadAsync(model.Name, version, byHand: false, cancellationToken);
            }
            catch (Exception e) when (e is PackageException or ModelMemoryException or ModelNotFoundException or StoreUnavailableException)
            {
                (traffic.Written(model.Name).LabelOf(version) is null ? problems : labelled).Add(e);
            }
        }

        traffic.Hold(model.Name);
        if (Serving(model.Name).Any())
            return labelled;
        if (labelled.Count + problems.Count == 0 && model.Complete.Count > 0)
            problems.Add(NothingIsAskedFor(model, policy));
        return [.. labelled, .. problems];
    }

    private ModelNotFoundException NothingIsAskedFor(RepositoryModel model, VersionPolicy policy)
    {
        var rolledBack = traffic.Written(model.Name).RolledBack;
        var versions = string.Join(", ", model.Complete.Select(v => rolledBack.ContainsKey(v) ? $"{v} (rolled back)" : $"{v}"));
        return new ModelNotFoundException($"Registry:VersionPolicy {policy} asks for no version of model \"{model.Name}\" that the repository has: {versions}");
    }

    private async Task LookAsync(RepositoryModel model, List<ReloadOutcome> outcomes, CancellationToken cancellationToken)
    {
        var wanted = Wanted(model);
        // A canary alone would answer everything.
        var surplus = wanted.TrueForAll(v => IsCanary(model.Name, v)) ? []
            : table.Of(model.Name).Where(v => v.State == VersionState.Serving && !v.KeptByHand && !wanted.Contains(v.Version)).ToArray();
        var canReturn = surplus.Length == 0 || Array.Exists(surplus, v => model.Complete.Contains(v.Version)); // should no other load
        if (options.PreserveResources && canReturn && await FetchAsync(model, wanted.Where(v => table.Serving(model.Name, v) is null), cancellationToken))
        {
            // From here on the caller may go away: the look comes to its end, or nothing would answer.
            await UnloadAsync(surplus, outcomes, wait: true);
            await LoadAsync(model, wanted, outcomes, CancellationToken.None);
            traffic.Hold(model.Name);
            if (!Serving(model.Name).Any())
                await LoadAsync(model, [.. surplus.Select(v => v.Version)], outcomes, CancellationToken.None);
            return;
        }

        await LoadAsync(model, wanted, outcomes, cancellationToken);
        traffic.Hold(model.Name);
        if (wanted.TrueForAll(v => table.Serving(model.Name, v) is not null))
            await UnloadAsync(surplus, outcomes, wait: false);
    }

    /// <summary>Brings versions here before anything is unloaded for them. Why one does not come is told by the load that follows.</summary>
    /// <returns>Whether any can be loaded.</returns>
    private async Task<bool> FetchAsync(RepositoryModel model, IEnumerable<long> versions, CancellationToken cancellationToken)
    {
        var any = false;
        foreach (var version in versions.Where(v => WhyPassedOver(model.Name, v) is null))
        {
            try
            {
                using var files = await lifecycle.FetchAsync(model.Name, version, fresh: false, cancellationToken);
                any = true;
            }
            catch (Exception e) when (e is PackageException or ModelNotFoundException or StoreUnavailableException)
            {
                continue;
            }
        }

        return any;
    }

    private async Task LoadAsync(RepositoryModel model, IReadOnlyList<long> versions, List<ReloadOutcome> outcomes, CancellationToken cancellationToken)
    {
        foreach (var version in versions)
        {
            if (WhyPassedOver(model.Name, version) is { } reason)
            {
                outcomes.Add(new ReloadOutcome(model.Name, version, ReloadAction.PassedOver, reason));
                continue;
            }

            try
            {
                if ((await lifecycle.LoadAsync(model.Name, version, byHand: false, cancellationToken)).Loaded)
                    outcomes.Add(new ReloadOutcome(model.Name, version, ReloadAction.Loaded));
            }
            catch (Exception e) when (e is PackageException or ModelMemoryException or ModelNotFoundException or StoreUnavailableException)
            {
                outcomes.Add(new ReloadOutcome(model.Name, version, ReloadAction.Failed, e.Message));
            }
        }
    }

    private async Task UnloadAsync(IEnumerable<ModelVersion> versions, List<ReloadOutcome> outcomes, bool wait)
    {
        foreach (var version in versions)
        {
            try
            {
                var (_, ended) = await lifecycle.UnloadAsync(version.Name, version.Version, byHand: false);
                outcomes.Add(new ReloadOutcome(version.Name, version.Version, ReloadAction.Unloaded));
                if (wait)
                    await ended;
            }
            catch (Exception e) when (e is ModelNotFoundException or ModelStateException)
            {
                // Meanwhile it was unloaded by hand, or got a label: whoever did that was first.
            }
        }
    }

    /// <summary>What the policy asks for, newest first, and what labels and shadow need.</summary>
    private List<long> Wanted(RepositoryModel model)
    {
        var current = traffic.Written(model.Name);
        var policy = _policies.Of(model.Name);
        var wanted = policy.Select(model.Complete.Where(v => !current.RolledBack.ContainsKey(v) && !(policy.IsLatest && IsCanary(model.Name, v))));
        var needed = current.Labels.Values.Concat(current.ShadowVersion is { } shadow && model.Complete.Contains(shadow) ? [shadow] : []);
        return [.. wanted.Union(needed).OrderDescending()];
    }

    /// <summary>Why a version is not tried; null if it may be.</summary>
    private string? WhyPassedOver(string name, long version) =>
        table.Ended(name, version) is { } ended && ended.Holds(repository.FingerprintOf(name, version), budget) ? ended.Reason : null;

    /// <summary>Kept of what was brought here: what is in use, and what a label pointed at before, so that a rollback need not wait.</summary>
    private void Trim() => repository.Trim(
        (name, version) => traffic.Written(name).Previous.ContainsValue(version)
            || table.Of(name).Any(v => v.Version == version && v.State is not (VersionState.Failed or VersionState.Unloaded)));

    /// <summary>Whether it is there for its label alone: the latest versions, which answer the other requests, are counted without it.</summary>
    private bool IsCanary(string name, long version) => traffic.Written(name) is var now && now.HolderOf(Labels.Canary) == version && now.HolderOf(Labels.Stable) != version;

    private IEnumerable<long> Serving(string name) => table.Of(name).Where(v => v.State == VersionState.Serving).Select(v => v.Version);
}
