using Microsoft.Extensions.DependencyInjection;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Traffic;
using RecoServe.Server.Services;
using RecoServe.Testing;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

public sealed class ModelChangesTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ModelRegistry Registry => _server.Registry;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>What was kept is read, then the watcher hears that it has missed something: it does not go on with a gap.</summary>
    [Fact]
    public async Task ReadAll_WatcherIsTooFarBehind_GetsWhatWasKeptAndThenAnError()
    {
        using var changes = Watch(maxBehind: 3);
        new TestModel().Publish(_server.Repository.Path, 2);
        await Registry.LoadAsync("toy", 2, Token); // loading, warming, serving
        await Registry.UnloadAsync("toy", 2);
        var read = new List<V1.VersionState>();
        var e = await Assert.ThrowsAsync<OverloadedException>(async () =>
        {
            await foreach (var change in changes.ReadAllAsync(Token))
                read.Add(change.Version.State);
        });
        Assert.Equal([V1.VersionState.Serving, V1.VersionState.Loading, V1.VersionState.Warming], read);
        Assert.Contains("the watcher is more than 3 changes behind", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Who keeps what is told last of each number knows what serves.</summary>
    [Fact]
    public async Task ReadAll_NumberIsReplacedAndThenDamaged_ServesByEveryLastWord()
    {
        using var changes = Watch(maxBehind: 100);
        Replace(seed: 2);
        var old = Registry.TryFindServing("toy", 1)!;
        await Registry.LoadAsync("toy", 1, Token);
        Replace(seed: 3);
        PackageFixes.Corrupt(_server.Repository.File("toy/1/scorer.onnx"));
        await Assert.ThrowsAsync<PackageException>(() => Registry.LoadAsync("toy", 1, Token));
        List<V1.VersionState> read = [];
        await foreach (var change in changes.ReadAllAsync(Token))
        {
            read.Add(change.Version.State);
            if (read.Contains(V1.VersionState.Unloaded) && read.Contains(V1.VersionState.Failed) && read[^1] == V1.VersionState.Serving)
                break;
        }

        Assert.Equal(VersionState.Unloaded, old.State);
        Assert.DoesNotContain(read.Zip(read.Skip(1)), pair => pair is { First: not V1.VersionState.Serving, Second: not V1.VersionState.Serving });
    }

    [Fact]
    public async Task Dispose_VersionsChangeAfterwards_NothingIsTold()
    {
        var changes = Watch(maxBehind: 100);
        using var stop = new CancellationTokenSource();
        await using var reader = changes.ReadAllAsync(stop.Token).GetAsyncEnumerator(stop.Token);
        Assert.True(await reader.MoveNextAsync());
        changes.Dispose();
        new TestModel().Publish(_server.Repository.Path, 2);
        await Registry.LoadAsync("toy", 2, Token);
        var next = reader.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next);
    }

    private void Replace(int seed)
    {
        Directory.Delete(_server.Repository.File("toy/1"), recursive: true);
        new TestModel { Seed = seed }.Publish(_server.Repository.Path, 1);
    }

    private ModelChanges Watch(int maxBehind) =>
        new(Registry, new ModelWriter(Registry, _server.App.Services.GetRequiredService<TrafficWatch>()), "toy", maxBehind);
}
