using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>Loads and ends versions, one at a time: two would compete for the memory and cores of those who serve.</summary>
internal sealed class VersionLifecycle(
    IModelRepository repository, VersionTable table, TrafficTable traffic, MemoryBudget budget, VersionLoader loader,
    EngineMetrics metrics, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan DrainReport = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _changes = new(1);
    private readonly Dictionary<ModelVersion, Task> _endings = [];
    private bool _hasEnded;

    /// <summary>Loads a version beside those that serve. Nothing happens if it serves already and its files are those that were loaded.</summary>
    /// <param name="name">The model.</param>
    /// <param name="version">The version.</param>
    /// <param name="byHand">Whether no policy may unload it.</param>
    /// <param name="cancellationToken">Ends the wait for others; once begun, a load comes to its end.</param>
    /// <returns>The version, and whether it was loaded now.</returns>
    /// <exception cref="ModelNotFoundException">The repository does not have it.</exception>
    /// <exception cref="PackageException">Names the file, or at least the directory, at fault; the version is then Failed.</exception>
    /// <exception cref="ModelMemoryException">It would not fit; the version is then Failed.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer; nothing has changed.</exception>
    internal async Task<(ModelVersion Version, bool Loaded)> LoadAsync(string name, long version, bool byHand, CancellationToken cancellationToken)
    {
        using var files = await FetchAsync(name, version, fresh: byHand, cancellationToken);
        await TakeTurnAsync(cancellationToken);
        try
        {
            var serving = table.Serving(name, version);
            if (serving is not null && await IsLoadedFromAsync(serving, files))
                return (byHand ? serving.Keep() : serving, false);
            var loading = new ModelVersion(name, version, metrics.ForVersion(name, version, clock), files.Fingerprint, replaces: serving is not null);
            if (byHand || serving is { KeptByHand: true })
                loading.Keep();
            table.Add(loading);
            await loader.LoadAsync(loading, files.Directory, table.AnyServes);
            if (serving is not null)
                Replace(serving);
            return (loading, true);
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Brings the files of a version here. Nothing waits for it that loads, unloads or serves.</summary>
    /// <inheritdoc cref="IModelRepository.FetchAsync"/>
    internal async Task<VersionFiles> FetchAsync(string name, long version, bool fresh, CancellationToken cancellationToken)
    {
        try
        {
            return await repository.FetchAsync(name, version, fresh, cancellationToken);
        }
        catch (PackageException e)
        {
            await FailAsync(name, version, e.Message);
            throw;
        }
    }

    /// <summary>Takes a version out of service. It is to be awaited twice: for the drain to begin, and for its end.</summary>
    /// <param name="name">The model.</param>
    /// <param name="version">The version.</param>
    /// <param name="byHand">Whether no policy may load it again.</param>
    /// <exception cref="ModelNotFoundException">It does not serve.</exception>
    /// <exception cref="ModelStateException">A label points at it, or a policy would unload what was loaded on demand.</exception>
    internal async Task<(ModelVersion Version, Task Ended)> UnloadAsync(string name, long version, bool byHand)
    {
        await TakeTurnAsync(CancellationToken.None);
        try
        {
            var serving = table.Serving(name, version) ?? throw new ModelNotFoundException($"version {version} of model \"{name}\" does not serve");
            if (!byHand && serving.KeptByHand)
                throw new ModelStateException($"version {version} of model \"{name}\" was loaded on demand");
            lock (traffic.Gate)
            {
                if (traffic.Of(name).LabelOf(version) is { } label)
                    throw new ModelStateException($"the label \"{label}\" points at version {version} of model \"{name}\": point it elsewhere first");
                serving.EndedByHand = byHand;
                if (byHand && table.Latest(name, version) is { } failed && failed != serving)
                    failed.EndedByHand = true; // a replacement, by whose memory alone a look would decide
                serving.Drain();
            }

            table.Tell(serving);
            return (serving, EndAsync(serving));
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Drains and frees every version.</summary>
    public async ValueTask DisposeAsync()
    {
        await TakeTurnAsync(CancellationToken.None);
        var versions = table.Models.Values.SelectMany(v => v).ToArray();
        foreach (var version in versions.Where(v => v.State == VersionState.Serving))
        {
            version.Drain();
            table.Tell(version);
        }

        await Task.WhenAll(versions.Where(v => v.State == VersionState.Draining).Select(EndAsync));
        foreach (var version in versions)
            version.Metrics.Dispose();
        _hasEnded = true;
        _changes.Release(); // for those who wait to be told
    }

    /// <exception cref="ObjectDisposedException">All versions have ended.</exception>
    private async Task TakeTurnAsync(CancellationToken cancellationToken)
    {
        await _changes.WaitAsync(cancellationToken);
        if (!_hasEnded)
            return;
        _changes.Release();
        throw new ObjectDisposedException(nameof(ModelRegistry));
    }

    /// <summary>Remembers that the files of a version are not right, so that they are not fetched again before they are others.</summary>
    private async Task FailAsync(string name, long version, string reason)
    {
        await TakeTurnAsync(CancellationToken.None);
        try
        {
            var failed = new ModelVersion(
                name, version, metrics.ForVersion(name, version, clock), repository.FingerprintOf(name, version), replaces: table.Serving(name, version) is not null);
            table.Add(failed);
            failed.Fail(reason, refused: false);
            EngineLog.VersionFailed(log, failed.Metrics.Name, reason);
            table.Tell(failed);
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Files that nobody has written since are not read again: a look must not cost what a graph of gigabytes takes to hash.</summary>
    /// <exception cref="PackageException">They cannot be read.</exception>
    private static async Task<bool> IsLoadedFromAsync(ModelVersion version, VersionFiles files)
    {
        if (version.Files == files.Fingerprint)
            return true;
        try
        {
            if (version.Content != await LoadThread.RunAsync($"read {version.Metrics.Name}", lowPriority: true, () => PackageFingerprint.OfContent(files.Directory)))
                return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PackageException(files.Directory, $"cannot be read: {e.Message}", e);
        }

        version.Files = files.Fingerprint; // written anew, and the same
        return true;
    }

    private void Replace(ModelVersion old)
    {
        old.Drain();
        old.Metrics.Dispose(); // the new one's gauges have its names
        table.Tell(old);
        _ = EndAsync(old); // in its own time: the new one serves
    }

    /// <summary>Waits for the last lease and frees the memory: once for each version, whoever asks.</summary>
    private Task EndAsync(ModelVersion version)
    {
        lock (_endings)
            return _endings.TryGetValue(version, out var ending) ? ending : _endings[version] = EndOnceAsync(version);
    }

    private async Task EndOnceAsync(ModelVersion version)
    {
        await Task.Yield(); // what follows is not for whoever holds the lock
        var start = clock.GetTimestamp();
        while (await Task.WhenAny(version.Drained, Task.Delay(DrainReport, clock)) != version.Drained)
            EngineLog.DrainSlow(log, version.Metrics.Name, version.Leases, clock.GetElapsedTime(start));
        await version.UnloadAsync();
        budget.Release(version);
        table.Tell(version);
        if (table.Latest(version.Name, version.Version) != version)
            table.Forget(version); // another one of its number has taken its place
        lock (_endings)
            _endings.Remove(version);
    }
}
