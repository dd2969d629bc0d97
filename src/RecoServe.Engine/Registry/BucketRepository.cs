using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>
/// A repository in a bucket. Looks list it; a version that is wanted, and whose objects are not those that were fetched before, is
/// downloaded beside the cache, verified and moved into it. Of one version one download at a time; nothing waits for that of another. A
/// start that finds the bucket away begins with what the cache has.
/// </summary>
internal sealed class BucketRepository(Bucket bucket, VersionCache cache, EngineMetrics metrics, TimeProvider clock, ILogger log) : IModelRepository
{
    /// <summary>Whose turn it is to change what the cache has of a version.</summary>
    private readonly ConcurrentDictionary<(string Name, long Version), SemaphoreSlim> _turns = [];
    private readonly ConcurrentDictionary<string, bool> _told = new(StringComparer.Ordinal);

    /// <summary>What is being read in the cache: by how many, and what completes when the last of them has ended.</summary>
    private readonly Dictionary<(string Name, long Version), (int Readers, TaskCompletionSource Ended)> _held = [];

    /// <summary>Fingerprints of what was found sound in the cache by this process.</summary>
    private readonly ConcurrentDictionary<string, bool> _sound = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly LatestListing _listing = new();
    private volatile bool _isAway;

    public string Root => bucket.Address.ToString();

    public string TrafficRoot => cache.Root;

    private string Prefix => bucket.Address.Prefix;

    internal static BucketRepository Create(RegistryOptions options, EngineMetrics metrics, TimeProvider clock, ILogger log)
    {
        var address = BucketAddress.Parse(options.Repository);
        var access = new BucketOptions("Registry:Repository", options.S3Endpoint, options.S3Region, options.S3PathStyle);
        var cache = Path.Combine(options.Cache, $"{address.Bucket}~{address.Prefix}".TrimEnd('/').Replace('/', '~').TrimEnd('~')); // no name has a '~'
        return new BucketRepository(new Bucket(address, access, clock), new VersionCache(cache), metrics, clock, log);
    }

    public async Task<IReadOnlyList<RepositoryModel>> ModelsAsync(CancellationToken cancellationToken)
    {
        cache.Open();
        var look = _listing.Begin();
        try
        {
            _listing.Take(look, BucketListing.Of(Prefix, await CountFailuresAsync(() => bucket.ListAsync(Prefix, cancellationToken))));
            _isAway = false;
        }
        catch (StoreUnavailableException e) when (_listing.Current is null && cache.List(Prefix) is { Versions.Count: > 0 } cached)
        {
            EngineLog.ServedFromCache(log, e.Message);
            _isAway = true;
            _listing.Take(look, cached);
        }

        var listing = _listing.Current!;
        foreach (var version in listing.Versions.Where(v => !v.IsComplete && _told.TryAdd(PathOf(v.Name, v.Version), true)))
            EngineLog.IncompleteVersion(log, PathOf(version.Name, version.Version));
        return [.. listing.Versions.GroupBy(v => v.Name, StringComparer.Ordinal).Select(ModelOf)];
    }

    public async Task<VersionFiles> FetchAsync(string name, long version, bool fresh, CancellationToken cancellationToken)
    {
        cache.Open();
        if (fresh && ModelName.IsValid(name))
            await ListAsync(name, version, cancellationToken);
        Require(name, version);
        var turn = TurnOf(name, version);
        await turn.WaitAsync(cancellationToken);
        try
        {
            var found = Find(name, version); // it may have been looked at meanwhile
            if (cache.SourceOf(name, version) != found.Fingerprint || !await IsSoundAsync(found))
                await DownloadAsync(found, cancellationToken);
            return Hold(found);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Require(string name, long version) => Find(name, version);

    public bool HasPackage(RepositoryModel model) => model.Complete.Any(v => _listing.Current?.Find(model.Name, v) is { IsPackage: true });

    public string PathOf(string name, long version) => bucket.Address.UriOf($"{Prefix}{name}/{version}");

    public string FingerprintOf(string name, long version) => _listing.Current?.Find(name, version)?.Fingerprint ?? "";

    public Task<string> MarkOfAsync(string file, CancellationToken cancellationToken) =>
        CountFailuresAsync(() => bucket.MarkOfAsync(Prefix + file, cancellationToken));

    public void Trim(Func<string, long, bool> isNeeded)
    {
        if (_listing.Current is not { } listing || _isAway)
            return;
        try
        {
            foreach (var (name, version) in cache.Versions())
                Trim(name, version, isNeeded, listing);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            EngineLog.CacheNotTrimmed(log, cache.Root, e.Message);
        }
    }

    public void Dispose()
    {
        bucket.Dispose();
        cache.Dispose();
        foreach (var (_, turn) in _turns)
            turn.Dispose();
    }

    private static RepositoryModel ModelOf(IGrouping<string, BucketVersion> model)
    {
        var versions = model.OrderByDescending(v => v.Version).ToLookup(v => v.IsComplete, v => v.Version);
        return new RepositoryModel(model.Key, [.. versions[true]], [.. versions[false]]);
    }

    /// <summary>Looks at one version. If the bucket is away, what is in the cache will do.</summary>
    private async Task ListAsync(string name, long version, CancellationToken cancellationToken)
    {
        try
        {
            var look = _listing.Begin();
            var objects = await CountFailuresAsync(() => bucket.ListAsync($"{Prefix}{name}/{version}/", cancellationToken));
            _listing.Take(look, name, version, BucketListing.Of(Prefix, objects).Find(name, version));
        }
        catch (StoreUnavailableException e) when (cache.SourceOf(name, version) is { Length: > 0 } source && source == FingerprintOf(name, version))
        {
            EngineLog.ServedFromCache(log, e.Message);
        }
    }

    private BucketVersion Find(string name, long version) => _listing.Current?.Find(name, version) is { IsComplete: true } found
        ? found
        : throw new ModelNotFoundException($"the repository has no complete version {version} of model \"{name}\"");

    private SemaphoreSlim TurnOf(string name, long version) => _turns.GetOrAdd((name, version), static _ => new SemaphoreSlim(1));

    /// <summary>What is being fetched is left for the next time.</summary>
    private void Trim(string name, long version, Func<string, long, bool> isNeeded, BucketListing listing)
    {
        var turn = TurnOf(name, version);
        if (!turn.Wait(0))
            return;
        try
        {
            cache.Trim(name, version, IsHeld(name, version) || isNeeded(name, version), listing.Find(name, version));
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Whether what is in the cache is still what was put there; asked once, for only this process writes there.</summary>
    private async Task<bool> IsSoundAsync(BucketVersion version)
    {
        var key = PathOf(version.Name, version.Version) + version.Fingerprint;
        if (_sound.ContainsKey(key))
            return true;
        try
        {
            var directory = cache.PathOf(version.Name, version.Version);
            await LoadThread.RunAsync($"verify {version.Name}/{version.Version}", lowPriority: true, () =>
            {
                VersionDownload.Verify(version, directory);
                return true;
            });
            return _sound[key] = true;
        }
        catch (PackageException)
        {
            return false;
        }
    }

    private async Task DownloadAsync(BucketVersion version, CancellationToken cancellationToken)
    {
        var (start, staging, name) = (clock.GetTimestamp(), cache.StagingOf(version), $"{version.Name}/{version.Version}");
        var download = new VersionDownload(bucket, version, staging, metrics);
        try
        {
            await CountFailuresAsync(async () =>
            {
                await download.RunAsync(cancellationToken);
                await NobodyReadsAsync(version).WaitAsync(cancellationToken);
                cache.Commit(version);
                return true;
            });
            _sound[PathOf(version.Name, version.Version) + version.Fingerprint] = true;
            EngineLog.VersionFetched(log, name, download.Bytes, clock.GetElapsedTime(start).TotalMilliseconds);
        }
        catch (PackageException)
        {
            Directory.Delete(staging, recursive: true);
            throw;
        }
        catch (StoreUnavailableException e)
        {
            EngineLog.FetchFailed(log, name, e.Message);
            throw;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            EngineLog.FetchFailed(log, name, e.Message);
            throw new StoreUnavailableException($"Registry:Cache {Path.GetFullPath(cache.Root)} cannot be written: {e.Message}", e);
        }
    }

    private async Task<T> CountFailuresAsync<T>(Func<Task<T>> request)
    {
        try
        {
            return await request();
        }
        catch (StoreUnavailableException)
        {
            metrics.StoreFailures.Add(1);
            throw;
        }
    }

    private VersionFiles Hold(BucketVersion version)
    {
        var key = (version.Name, version.Version);
        lock (_lock)
            _held[key] = _held.TryGetValue(key, out var others) ? others with { Readers = others.Readers + 1 } : (1, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        return new VersionFiles(cache.PathOf(version.Name, version.Version), version.Fingerprint, () => Release(key));
    }

    private void Release((string Name, long Version) key)
    {
        lock (_lock)
        {
            var (readers, ended) = _held[key];
            if (readers > 1)
            {
                _held[key] = (readers - 1, ended);
                return;
            }

            _held.Remove(key);
            ended.SetResult();
        }
    }

    /// <summary>Waits until nobody reads what the cache has of a version. Whoever comes meanwhile waits for its turn.</summary>
    private Task NobodyReadsAsync(BucketVersion version)
    {
        lock (_lock)
            return _held.TryGetValue((version.Name, version.Version), out var readers) ? readers.Ended.Task : Task.CompletedTask;
    }

    private bool IsHeld(string name, long version)
    {
        lock (_lock)
            return _held.ContainsKey((name, version));
    }
}
