using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;
using RecoServe.Testing.Stores;

namespace RecoServe.Engine.Tests.Stores;

public sealed class BucketPublisherTests(BucketFixture bucket) : IClassFixture<BucketFixture>, IDisposable
{
    private readonly TemporaryDirectory _local = new();
    private readonly TemporaryDirectory _cache = new();
    private readonly string _prefix = bucket.NewPrefix();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _local.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public async Task Publish_ManyAtOnce_EachGetsANumberOfItsOwn()
    {
        var published = await Task.WhenAll(Enumerable.Range(1, 6).Select(seed => bucket.Server.PublishAsync(new TestModel { Seed = seed }, _prefix)));
        Assert.Equal(Enumerable.Range(1, 6).Select(v => $"s3://models/{_prefix}/toy/{v}"), published.Order(StringComparer.Ordinal));
        await using var registries = new RegistryFixture();
        var registry = await registries.StartAsync(bucket.Serve(_prefix, _cache, o => o.VersionPolicy = "all"));
        Assert.Equal([6, 5, 4, 3, 2, 1], RegistryFixture.Serving(registry));
    }

    [Fact]
    public async Task Publish_VersionThatExists_IsRefused()
    {
        await bucket.Server.PublishAsync(new TestModel(), _prefix, 3);
        var problem = await Assert.ThrowsAsync<PackageException>(() => bucket.Server.PublishAsync(new TestModel(), _prefix, 3));
        Assert.StartsWith($"s3://models/{_prefix}/toy/3 exists", problem.Message, StringComparison.Ordinal);
        Assert.EndsWith("/toy/4", await bucket.Server.PublishAsync(new TestModel(), _prefix), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_Progress_EndsAtOne()
    {
        using var publisher = bucket.Server.Publisher(_prefix);
        var shares = new List<double>();
        await publisher.PublishAsync(Package(), null, (_, share) => shares.Add(share), Token);
        Assert.Equal(1, shares[^1]);
        Assert.Equal(shares.Order(), shares);
    }

    [Fact]
    public async Task Publish_Cancelled_LeavesNothing()
    {
        using var publisher = bucket.Server.Publisher(_prefix);
        using var cancel = new CancellationTokenSource();
        var publishing = publisher.PublishAsync(Package(), null, (file, _) => Cancel(file == PackageFiles.Probe), cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);
        Assert.Empty(await bucket.Server.KeysAsync(_prefix));

        void Cancel(bool now)
        {
            if (now)
                cancel.Cancel();
        }
    }

    /// <summary>A publisher that was killed leaves its claim: the number is not given again, and never served.</summary>
    [Fact]
    public async Task Publish_AfterAKilledPublisher_TakesTheNextNumber()
    {
        await bucket.Server.PutAsync($"{_prefix}/toy/1/.claim", "somebody");
        Assert.EndsWith("/toy/2", await bucket.Server.PublishAsync(new TestModel(), _prefix), StringComparison.Ordinal);
        await Assert.ThrowsAsync<PackageException>(() => bucket.Server.PublishAsync(new TestModel(), _prefix, 1));
    }

    /// <summary>As on a store that ignores conditions: somebody else's claim was written over this one.</summary>
    [Fact]
    public async Task Publish_ClaimIsLost_GivesUpAndLeavesTheOthersObjects()
    {
        using var publisher = bucket.Server.Publisher(_prefix);
        var claim = $"{_prefix}/toy/1/.claim";
        var publishing = publisher.PublishAsync(Package(), null, (file, _) => WriteOver(file == PackageFiles.Encoder), Token);
        await Assert.ThrowsAsync<PackageException>(() => publishing);
        var keys = await bucket.Server.KeysAsync(_prefix);
        Assert.Contains(claim, keys);
        Assert.DoesNotContain($"{_prefix}/toy/1/{PackageFiles.Manifest}", keys);

        void WriteOver(bool now)
        {
            if (now)
                bucket.Server.WriteBehind(claim, "another's");
        }
    }

    /// <summary>Objects in several parts have ETags that are no MD5: size and SHA-256 tell.</summary>
    [Fact]
    public async Task Publish_LargeFile_GoesInPartsAndServes()
    {
        await bucket.Server.PublishAsync(new TestModel { ItemCount = 75_000, Dimension = 60, Row = (item, column) => item % 7 * 0.01f * column, Bias = i => -i }, _prefix);
        bucket.Server.SetETag($"{_prefix}/toy/1/{PackageFiles.ItemMatrix}", "00000000000000000000000000000000-2");
        await using var registries = new RegistryFixture();
        var registry = await registries.StartAsync(bucket.Serve(_prefix, _cache));
        Assert.Equal([1], RegistryFixture.Serving(registry));
    }

    [Fact]
    public async Task Publish_BadKeys_NamesOptionAndKeyAndNoSecret()
    {
        using var publisher = new BucketPublisher(BucketAddress.Parse("s3://nowhere/x"), bucket.Server.Access, TimeProvider.System);
        var problem = await Assert.ThrowsAsync<StoreUnavailableException>(() => publisher.PublishAsync(Package(), null, (_, _) => { }, Token));
        Assert.StartsWith("--to s3://nowhere/x: s3://nowhere/x/toy/ cannot be listed: NoSuchBucket", problem.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Server.Secret, problem.ToString(), StringComparison.Ordinal);
    }

    private ModelPackage Package() => ModelPackage.Open(new TestModel().Publish(_local.Path));
}
