using Microsoft.Extensions.Logging.Abstractions;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Stores;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;
using RecoServe.Testing.Stores;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Stores;

/// <summary>Serving from a bucket of a real S3 server.</summary>
public sealed class BucketRepositoryTests(BucketFixture bucket) : IClassFixture<BucketFixture>, IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();
    private readonly TemporaryDirectory _cache = new();
    private readonly string _prefix = bucket.NewPrefix();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        _cache.Dispose();
    }

    [Fact]
    public async Task Look_NewVersion_TakesOverAndOnlyItIsRead()
    {
        var read = BucketFixture.Count(_fixture.Metrics, "recoserve.store.read");
        var registry = await StartAsync();
        var one = read();
        Assert.Equal([1], Serving(registry));
        Assert.Empty(await registry.ReloadAsync(Token));
        Assert.Equal(one, read());
        await bucket.Server.PublishAsync(new TestModel { Seed = 2 }, _prefix);
        Assert.Equal("2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
        Assert.InRange(read(), one + 1, (2 * one) + 100);
        Assert.Equal(2, Ask(registry).Version);
    }

    [Fact]
    public async Task Start_AgainWithWhatWasFetched_ReadsNothing()
    {
        await _fixture.StopAsync(await StartAsync());
        var read = BucketFixture.Count(_fixture.Metrics, "recoserve.store.read");
        var registry = await _fixture.StartAsync(Options());
        Assert.Equal([1], Serving(registry));
        Assert.Equal(0, read());
    }

    [Fact]
    public async Task Start_FetchedFileWasDamaged_IsFetchedAgain()
    {
        await _fixture.StopAsync(await StartAsync());
        PackageFixes.Corrupt(Path.Combine(BucketFixture.Cached(_prefix, _cache, 1), PackageFiles.Scorer));
        var registry = await _fixture.StartAsync(Options());
        Assert.Equal([1], Serving(registry));
    }

    [Theory]
    [InlineData(false, "is damaged: its MD5 is")]
    [InlineData(true, "is damaged: its SHA-256 is")]
    public async Task Look_DamagedObject_IsRefusedOnceAndTriedAgainWhenItIsMended(bool writtenAnew, string problem)
    {
        var registry = await StartAsync();
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        var key = $"{_prefix}/toy/2/{PackageFiles.ItemMatrix}";
        var file = bucket.Server.FileOf(key);
        var good = await File.ReadAllBytesAsync(file, Token);
        PackageFixes.Corrupt(file);
        if (writtenAnew)
            await PutAsync(key, await File.ReadAllBytesAsync(file, Token));
        var outcome = Assert.Single(await registry.ReloadAsync(Token));
        Assert.Equal(ReloadAction.Failed, outcome.Action);
        Assert.StartsWith($"s3://{S3Server.Bucket}/{key} {problem}", outcome.Reason, StringComparison.Ordinal);
        Assert.Equal(1, Ask(registry).Version);
        Assert.Equal(VersionState.Failed, registry.Models["toy"][0].State);

        var read = BucketFixture.Count(_fixture.Metrics, "recoserve.store.read");
        Assert.Equal("2 PassedOver", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal(0, read());
        await PutAsync(key, [.. good, 0]);
        await PutAsync(key, good);
        if (!writtenAnew)
            await PutAsync($"{_prefix}/toy/2/note", [1]); // the mended object has the ETag of the damaged one
        Assert.Equal("2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    /// <summary>A version whose objects were written anew badly: the old content serves on, and is not fetched at every look.</summary>
    [Fact]
    public async Task Look_ServingVersionIsReplacedBadly_ServesOn()
    {
        var registry = await StartAsync();
        var key = $"{_prefix}/toy/1/{PackageFiles.Manifest}";
        await bucket.Server.PutAsync(key, "{");
        Assert.Equal("1 Failed", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal("1 PassedOver", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal(1, Ask(registry).Version);
    }

    [Fact]
    public async Task Look_PreserveResourcesAndDamagedVersion_TheOldOneIsNotUnloaded()
    {
        var registry = await StartAsync(o => o.PreserveResources = true);
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        PackageFixes.Corrupt(bucket.Server.FileOf($"{_prefix}/toy/2/{PackageFiles.Encoder}"));
        var old = registry.Models["toy"][0];
        Assert.Equal("2 PassedOver", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal(VersionState.Serving, old.State);
    }

    [Fact]
    public async Task Look_HalfUploaded_IsLeftOut()
    {
        var registry = await StartAsync();
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        await bucket.Server.Client.DeleteObjectAsync(S3Server.Bucket, $"{_prefix}/toy/2/{PackageFiles.Manifest}", Token);
        Assert.Empty(await registry.ReloadAsync(Token));
        await Assert.ThrowsAsync<ModelNotFoundException>(() => registry.LoadAsync("toy", 2, Token));
        Assert.Equal([1], Serving(registry));
    }

    /// <summary>A publisher is under way, or was killed: the others serve, and it is loaded once it is there.</summary>
    [Fact]
    public async Task Start_FirstVersionOfAnotherModelIsOnlyClaimed_TheOthersServe()
    {
        var log = new RecordedLog<ModelRegistry>();
        await bucket.Server.PutAsync($"{_prefix}/another/1/.claim", "somebody");
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        var registry = await _fixture.StartAsync(Options(), log);
        Assert.Equal(("toy", 1L), (registry.DefaultModel, Ask(registry).Version));
        Assert.Contains($"{_prefix}/another/1 has no manifest.json", Assert.Single(log.Of("IncompleteVersion")), StringComparison.Ordinal);
        Assert.Empty(await registry.ReloadAsync(Token));
        await bucket.Server.PublishAsync(new TestModel { Name = "another" }, _prefix);
        Assert.Equal("2 Loaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task Look_ObjectIsMissing_NamesIt()
    {
        var registry = await StartAsync();
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        await bucket.Server.Client.DeleteObjectAsync(S3Server.Bucket, $"{_prefix}/toy/2/{PackageFiles.Probe}", Token);
        Assert.Contains($"toy/2/{PackageFiles.Probe} is missing", Assert.Single(await registry.ReloadAsync(Token)).Reason, StringComparison.Ordinal);
    }

    /// <summary>A load reads the files where they lie in the cache.</summary>
    [Fact]
    public async Task Fetch_ObjectsChangeWhileTheyAreRead_TheOldStayUntilTheReaderEnds()
    {
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        var options = new RegistryOptions();
        Options()(options);
        using var repository = BucketRepository.Create(options, _fixture.Metrics, TimeProvider.System, NullLogger.Instance);
        await repository.ModelsAsync(Token);
        var (first, second) = (await repository.FetchAsync("toy", 1, fresh: true, Token), await repository.FetchAsync("toy", 1, fresh: true, Token));
        var before = File.ReadAllBytes(Path.Combine(first.Directory, PackageFiles.Catalogue));
        await bucket.Server.DeleteAsync($"{_prefix}/toy/1/");
        await bucket.Server.PublishAsync(new TestModel { ItemCount = 50 }, _prefix);
        var again = repository.FetchAsync("toy", 1, fresh: true, Token);
        first.Dispose();
        // Long enough for it to come, many times over.
        Assert.NotSame(again, await Task.WhenAny(again, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Token)));
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(second.Directory, PackageFiles.Catalogue)));
        second.Dispose();
        using var fetched = await again;
        Assert.NotEqual(before, File.ReadAllBytes(Path.Combine(fetched.Directory, PackageFiles.Catalogue)));
    }

    [Fact]
    public async Task Look_ManifestListsAFileElsewhere_IsRefused()
    {
        var registry = await StartAsync();
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        var key = $"{_prefix}/toy/2/{PackageFiles.Manifest}";
        var text = await File.ReadAllTextAsync(bucket.Server.FileOf(key), Token);
        await bucket.Server.PutAsync(key, text.Replace($"\"{PackageFiles.Probe}\"", "\"../../../escaped\"", StringComparison.Ordinal));
        Assert.Contains("lists a file \"../../../escaped\"", Assert.Single(await registry.ReloadAsync(Token)).Reason, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_cache.Path, "escaped*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Look_VersionIsGone_AnOlderOneTakesItsPlaceAndTheCacheForgetsIt()
    {
        var registry = await StartAsync();
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        await registry.ReloadAsync(Token);
        await bucket.Server.DeleteAsync($"{_prefix}/toy/2/");
        Assert.Equal("1 Loaded, 2 Unloaded", Describe(await registry.ReloadAsync(Token)));
        while (registry.Models["toy"].Any(v => v is { Version: 2, State: not VersionState.Unloaded })) // it drains in its own time
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);
        await registry.ReloadAsync(Token);
        Assert.True(Directory.Exists(BucketFixture.Cached(_prefix, _cache, 1)));
        Assert.False(Directory.Exists(BucketFixture.Cached(_prefix, _cache, 2)));
        await bucket.Server.DeleteAsync($"{_prefix}/toy/1/");
        Assert.Empty(await registry.ReloadAsync(Token));
        Assert.Equal([1], Serving(registry));
    }

    [Fact]
    public async Task LoadVersion_WithoutALook_IsFound()
    {
        var registry = await StartAsync();
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        await registry.LoadAsync("toy", 2, Token);
        Assert.Equal([2, 1], Serving(registry));
    }

    /// <summary>A rollback must not wait for the download of a version of gigabytes.</summary>
    [Fact]
    public async Task LoadVersion_FetchedBefore_WaitsForNobodysDownload()
    {
        var registry = await StartAsync();
        registry.Traffic.SetLabel("toy", "stable", 1);
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        await registry.LoadAsync("toy", 2, Token);
        registry.Traffic.SetLabel("toy", "stable", 2);
        await registry.UnloadAsync("toy", 1);
        await bucket.Server.PublishAsync(new TestModel { ItemCount = 2000 }, _prefix);
        await bucket.Server.HoldAsync($"{_prefix}/toy/3/{PackageFiles.ItemMatrix}");
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var look = registry.ReloadAsync(caller.Token);
        var model = Path.GetDirectoryName(BucketFixture.Cached(_prefix, _cache, 1))!;
        while (Directory.GetFiles(model, $"{PackageFiles.ItemMatrix}.part", SearchOption.AllDirectories).Length == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
        await registry.Traffic.RollBackAsync("toy", "stable", "bad", Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Equal((1, "stable"), Ask(registry));
        Assert.False(look.IsCompleted);
        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => look);
        await bucket.Server.HoldAsync("");
    }

    [Fact]
    public async Task LoadVersion_TwiceAtATime_IsReadOnce()
    {
        var registry = await StartAsync();
        var read = BucketFixture.Count(_fixture.Metrics, "recoserve.store.read");
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        var versions = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => registry.LoadAsync("toy", 2, Token)));
        Assert.Single(versions.Distinct());
        var files = ModelPackage.Open(BucketFixture.Cached(_prefix, _cache, 2)).Manifest.Files;
        Assert.Equal(files.Values.Sum(f => f.Bytes) + new FileInfo(Path.Combine(BucketFixture.Cached(_prefix, _cache, 2), PackageFiles.Manifest)).Length, read());
    }

    [Theory]
    [InlineData("../toy")]
    [InlineData("toy/1")]
    [InlineData("..")]
    public async Task LoadVersion_NameThatLeavesThePrefix_IsNotFound(string name)
    {
        var registry = await StartAsync();
        await Assert.ThrowsAsync<ModelNotFoundException>(() => registry.LoadAsync(name, 1, Token));
    }

    /// <summary>A plain graph has neither manifest nor checksums: it is what was listed.</summary>
    [Fact]
    public async Task Start_PlainGraph_ServesAndIsReplacedWhenItIsWrittenAnew()
    {
        using var local = new TemporaryDirectory();
        for (var version = 1; version <= 2; version++)
            TestGraph.PublishSum(local.Path, "toy", version, factor: version);
        await PutAsync($"{_prefix}/toy/1/model.onnx", await File.ReadAllBytesAsync(local.File("toy/1/model.onnx"), Token));
        var registry = await _fixture.StartAsync(Options());
        Assert.Equal([1], Serving(registry));
        Assert.Empty(await registry.ReloadAsync(Token));
        await PutAsync($"{_prefix}/toy/1/model.onnx", await File.ReadAllBytesAsync(local.File("toy/2/model.onnx"), Token));
        Assert.Equal("1 Loaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task Start_SameCacheTwice_SaysWhatToDo()
    {
        await StartAsync();
        var problem = (await Assert.ThrowsAsync<AggregateException>(() => _fixture.StartAsync(Options()))).InnerException;
        Assert.Contains("every server needs a Registry:Cache of its own", Assert.IsType<PackageException>(problem).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NoSuchBucket_NamesOptionAndBucket()
    {
        var start = _fixture.StartAsync(Options(o => o.Repository = "s3://nowhere/models"));
        var problem = (await Assert.ThrowsAsync<AggregateException>(() => start)).InnerException;
        Assert.StartsWith("Registry:Repository s3://nowhere/models: s3://nowhere/models/ cannot be listed: NoSuchBucket", Assert.IsType<StoreUnavailableException>(problem).Message, StringComparison.Ordinal);
    }

    private Action<RegistryOptions> Options(Action<RegistryOptions>? change = null) => bucket.Serve(_prefix, _cache, change);

    private async Task<ModelRegistry> StartAsync(Action<RegistryOptions>? change = null)
    {
        await bucket.Server.PublishAsync(new TestModel(), _prefix);
        return await _fixture.StartAsync(Options(change));
    }

    private async Task PutAsync(string key, byte[] content)
    {
        using var stream = new MemoryStream(content);
        await bucket.Server.Client.PutObjectAsync(new() { BucketName = S3Server.Bucket, Key = key, InputStream = stream }, Token);
    }
}
