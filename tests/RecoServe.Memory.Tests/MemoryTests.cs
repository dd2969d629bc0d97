using System.Diagnostics.Metrics;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Memory.Tests;

public sealed class MemoryTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Load_WouldNotFit_IsRefusedWithNeedAndLimitAndTheOldServesOn()
    {
        _fixture.Publish(1, 2);
        var need = Estimate(1);
        var registry = _fixture.Create(o => o.MemoryLimit = (2 * need) - 1);
        await registry.LoadAsync("toy", 1, Token);
        var e = await Assert.ThrowsAsync<ModelMemoryException>(() => registry.LoadAsync("toy", 2, Token));
        Assert.Equal(need, e.Needed);
        Assert.Matches(@"^model toy/2 needs about 8\.\d MiB; of Registry:MemoryLimit = 1\d\.\d MiB the loaded versions hold 8\.\d MiB", e.Message);
        Assert.Equal([VersionState.Failed, VersionState.Serving], registry.Models["toy"].Select(v => v.State));
        Assert.Equal((1, ""), Ask(registry));
        // What is unloaded makes room.
        await registry.LoadAsync("toy", 1, Token);
        await registry.UnloadAsync("toy", 1);
        await registry.LoadAsync("toy", 2, Token);
    }

    [Fact]
    public async Task Look_WasRefused_IsTriedAgainOnceThereIsRoom()
    {
        _fixture.Publish(1);
        _fixture.Publish(new TestModel { Name = "other" }, 1);
        var registry = await _fixture.StartAsync(o => o.MemoryLimit = (3 * Estimate(1)) - 1);
        _fixture.Publish(2);
        Assert.Equal("2 Failed", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal("2 PassedOver", Describe(await registry.ReloadAsync(Token)));
        await registry.UnloadAsync("other", 1);
        Assert.Equal("1 PassedOver, 2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    /// <summary>What is known of a number is that its new files did not fit; they fit as soon as it is unloaded, and it must not come back.</summary>
    [Fact]
    public async Task Unload_ByHandAndTheReplacementWasRefused_IsNotLoadedByALook()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync(o => o.MemoryLimit = (2 * Estimate(1)) - 1);
        Directory.Delete(_fixture.Repository.File("toy/1"), recursive: true);
        _fixture.Publish(new TestModel { Seed = 2 }, 1);
        Assert.Equal(ReloadAction.Failed, Assert.Single(await registry.ReloadAsync(Token)).Action);
        await registry.UnloadAsync("toy", 1);
        Assert.Equal(ReloadAction.PassedOver, Assert.Single(await registry.ReloadAsync(Token)).Action);
        Assert.Empty(RegistryFixture.Serving(registry));
        await registry.LoadAsync("toy", 1, Token);
        Assert.Equal([1], RegistryFixture.Serving(registry));
    }

    [Fact]
    public async Task Start_DoesNotFit_IsFatal()
    {
        _fixture.Publish(1);
        var e = await Assert.ThrowsAsync<AggregateException>(() => _fixture.StartAsync(o => o.MemoryLimit = 1 << 20));
        Assert.IsType<ModelMemoryException>(Assert.Single(e.InnerExceptions));
    }

    /// <summary>A matrix of 12.8 MB, packed once more, and output blocks of 25.6 MB.</summary>
    [Fact]
    public async Task Load_LargeModel_MeasuredIsWithinTheEstimateAndShown()
    {
        Assert.SkipWhen(NativeHeap.BytesInUse() is null, "this C library does not tell what is in use");
        new TestModel { Name = "hundred-thousand", ItemCount = 100_000, Dimension = 32 }.Publish(_fixture.Repository.Path, 1);
        var registry = _fixture.Create();
        var version = await registry.LoadAsync("hundred-thousand", 1, Token);
        Assert.InRange(version.NativeBytes!.Value, 12_800_000, version.EstimatedBytes);
        Assert.Equal(version.NativeBytes.Value, MemoryGauge());
        await registry.UnloadAsync("hundred-thousand", 1);
        Assert.Equal(0, MemoryGauge());
    }

    private static long MemoryGauge()
    {
        var value = -1L;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "recoserve.model.memory")
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, measured, tags, _) =>
        {
            if (tags.ToArray().Any(t => t is { Key: "model", Value: "hundred-thousand" }))
                value = measured;
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return value;
    }

    private long Estimate(long version) => MemoryEstimate.Of(ModelManifest.Read(_fixture.Manifest(version)), new RunnerOptions());
}
