using Microsoft.Extensions.Time.Testing;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Stores;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;
using RecoServe.Testing.Stores;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Stores;

/// <summary>A store that is away and comes back; a server of its own, for it is killed.</summary>
public sealed class BucketOutageTests : IAsyncLifetime
{
    private readonly RegistryFixture _fixture = new();
    private readonly TemporaryDirectory _cache = new();
    private readonly BucketFixture _bucket = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly RecordedLog<RepositoryWatcher> _log = new();
    private readonly SemaphoreSlim _looks = new(0);

    public ValueTask InitializeAsync() => _bucket.InitializeAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        await _bucket.DisposeAsync();
        _cache.Dispose();
        _looks.Dispose();
    }

    [Fact]
    public async Task Poll_BucketIsAwayAndComesBack_ServesOnAndThenTheNewVersion()
    {
        var (registry, watcher) = await StartAsync(RepositoryMode.Poll);
        await using var watching = watcher;
        var failures = BucketFixture.Count(_fixture.Metrics, "recoserve.store.failures");
        await _bucket.Server.PublishAsync(new TestModel(), "");
        _bucket.Server.Kill();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await _log.WaitForAsync("RepositoryUnreadable");
        Assert.Contains("Registry:Repository s3://models: ", Assert.Single(_log.Of("RepositoryUnreadable")), StringComparison.Ordinal);
        Assert.Equal(1, failures());
        Assert.Equal(1, Ask(registry).Version);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => registry.LoadAsync("toy", 2, Token));
        await _bucket.Server.StartAsync();
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(await _looks.WaitAsync(TimeSpan.FromSeconds(60), Token));
        Assert.Equal(2, Ask(registry).Version);
    }

    [Fact]
    public async Task Event_TriggerObjectIsWritten_IsLookedAtAtTheNextInterval()
    {
        var (registry, watcher) = await StartAsync(RepositoryMode.Event);
        await using var watching = watcher;
        await _bucket.Server.PublishAsync(new TestModel(), "");
        await _bucket.Server.PutAsync(".reload", "2");
        for (var look = 0; !await _looks.WaitAsync(TimeSpan.FromMilliseconds(50), Token) && look < 1000; look++)
            _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([2], Serving(registry));
    }

    [Fact]
    public async Task Start_BucketIsAway_WhatWasFetchedServesUntilItIsBack()
    {
        var (registry, watcher) = await StartAsync(RepositoryMode.Explicit);
        await watcher.DisposeAsync();
        await _fixture.StopAsync(registry);
        _bucket.Server.Kill();
        registry = await _fixture.StartAsync(Options());
        Assert.Equal([1], Serving(registry));
        await _bucket.Server.StartAsync();
        await _bucket.Server.PublishAsync(new TestModel(), "");
        Assert.Equal("2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task Start_BucketIsAwayAndNothingWasFetched_NamesOptionAndBucket()
    {
        _bucket.Server.Kill();
        var problem = await Assert.ThrowsAsync<AggregateException>(() => _fixture.StartAsync(Options()));
        Assert.StartsWith("Registry:Repository s3://models: ", Assert.IsType<StoreUnavailableException>(problem.InnerException).Message, StringComparison.Ordinal);
        await _bucket.Server.StartAsync();
    }

    /// <summary>What was verified before the interruption is not read again, and half a file is not taken for one.</summary>
    [Fact]
    public async Task Fetch_InterruptedInAFile_GoesOnWithThatFile()
    {
        await _bucket.Server.PublishAsync(new TestModel { ItemCount = 2000 }, "");
        await _bucket.Server.HoldAsync(PackageFiles.ItemMatrix);
        var staging = _cache.File($"{S3Server.Bucket}/toy");
        var start = _fixture.StartAsync(Options());
        string[] parts;
        while ((parts = Directory.Exists(staging) ? Directory.GetFiles(staging, $"{PackageFiles.ItemMatrix}.part", SearchOption.AllDirectories) : []) is not [var part] || new FileInfo(part).Length == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
        _bucket.Server.Kill();
        Assert.IsType<StoreUnavailableException>((await Assert.ThrowsAsync<AggregateException>(() => start)).InnerExceptions[0]);
        Assert.False(Directory.Exists(Path.Combine(staging, "1")));
        await _bucket.Server.StartAsync();

        var read = BucketFixture.Count(_fixture.Metrics, "recoserve.store.read");
        await _fixture.StopAllAsync();
        var registry = await _fixture.StartAsync(Options());
        Assert.Equal([1], Serving(registry));
        var files = ModelPackage.Open(Path.Combine(staging, "1")).Manifest.Files;
        Assert.InRange(read(), files[PackageFiles.ItemMatrix].Bytes, files.Values.Sum(f => f.Bytes) - files[PackageFiles.Encoder].Bytes);
    }

    private Action<RegistryOptions> Options() => _bucket.Serve("", _cache, o => o.Repository = $"s3://{S3Server.Bucket}");

    private async Task<(ModelRegistry Registry, RepositoryWatcher Watcher)> StartAsync(RepositoryMode mode)
    {
        await _bucket.Server.PublishAsync(new TestModel(), "");
        var registry = await _fixture.StartAsync(Options());
        var options = new RegistryOptions { Mode = mode };
        Options()(options);
        var watcher = new RepositoryWatcher(options, registry, _clock, _log);
        watcher.Looked += _ => _looks.Release();
        watcher.Start();
        return (registry, watcher);
    }
}
