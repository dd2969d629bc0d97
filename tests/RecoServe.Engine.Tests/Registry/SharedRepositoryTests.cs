using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Registry;

/// <summary>Two servers over one directory.</summary>
public sealed class SharedRepositoryTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    private string TrafficFilePath => _fixture.Repository.File("toy/traffic.json");

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task SetLabel_TheOtherHasSetOneBefore_BothStay()
    {
        var (first, second) = await StartTwoAsync();
        first.Traffic.SetLabel("toy", "stable", 1);
        second.Traffic.SetLabel("toy", "mine", 2);
        Assert.Equal((1, "stable"), Ask(second));
        Assert.Equal((2, ""), Ask(await RestartAsync(), label: "mine") with { Label = "" });
        Assert.Equal((1, "stable"), Ask(await RestartAsync()));
    }

    /// <summary>Each of two servers sets a hundred labels at the same time.</summary>
    [Fact]
    public async Task SetLabel_BothAtTheSameTime_NoneIsLost()
    {
        var (first, second) = await StartTwoAsync();
        await Task.WhenAll(new[] { (Registry: first, Name: "a"), (Registry: second, Name: "b") }.Select(server => Task.Run(() =>
        {
            for (var i = 0; i < 100; i++)
                server.Registry.Traffic.SetLabel("toy", $"{server.Name}{i}", 1);
        })));
        Assert.Equal(200, (await RestartAsync()).Traffic.Of("toy").Labels.Count);
    }

    [Fact]
    public async Task RollBackCanary_OnOneServer_HoldsOnTheOtherFromItsNextLookAndIsLogged()
    {
        _fixture.Publish(1, 2);
        var log = new RecordedLog<ModelRegistry>();
        var (first, second) = (await RestartAsync(), await _fixture.StartAsync(o => o.VersionPolicy = "specific:1,2", log));
        first.Traffic.SetLabel("toy", "stable", 1);
        first.Traffic.SetLabel("toy", "canary", 2);
        first.Traffic.Set("toy", t => t with { CanaryPercent = 100 });
        await second.ReloadAsync(Token);
        Assert.Equal((2, "canary"), Ask(second));
        Assert.True(first.Traffic.RollBackCanary("toy", 2, "NaN"));
        Assert.Equal((2, "canary"), Ask(second));
        await second.ReloadAsync(Token);
        Assert.Equal((1, "stable"), Ask(second));
        Assert.Equal("NaN", second.Traffic.Of("toy").RolledBack[2]);
        Assert.Equal(["Model toy: traffic.json was read, with the labels: canary 2, stable 1", "Model toy: traffic.json was read, with the labels: stable 1"], log.Of("TrafficRead"));
    }

    /// <summary>A request must not fail because another server is further.</summary>
    [Fact]
    public async Task SetLabel_OnAVersionThatTheOtherHasNotLoaded_HoldsThereOnceItServes()
    {
        var (first, second) = await StartTwoAsync();
        first.Traffic.SetLabel("toy", "stable", 1);
        await second.ReloadAsync(Token);
        _fixture.Publish(3);
        await first.LoadAsync("toy", 3, Token);
        first.Traffic.SetLabel("toy", "stable", 3);
        second.Traffic.SetLabel("toy", "mine", 2);
        Assert.Equal((1, "stable"), Ask(second));
        Assert.Equal((3, "stable"), Ask(first));
        Assert.Equal("3 Loaded", Describe(await second.ReloadAsync(Token)));
        Assert.Equal((3, "stable"), Ask(second));
        Assert.Equal((3, "stable"), Ask(await RestartAsync()));
    }

    /// <summary>The other server has rolled its canary back and begun with the next, which does not serve here: the bad one must not stay.</summary>
    [Fact]
    public async Task SetLabel_TheOtherHasRolledBackAndLabelledAnother_NoCanaryIsLeft()
    {
        var (first, second) = await StartTwoAsync();
        first.Traffic.SetLabel("toy", "stable", 1);
        first.Traffic.SetLabel("toy", "canary", 2);
        await second.ReloadAsync(Token);
        first.Traffic.RollBackCanary("toy", 2, "NaN");
        _fixture.Publish(3);
        await first.LoadAsync("toy", 3, Token);
        first.Traffic.SetLabel("toy", "canary", 3);
        second.Traffic.SetLabel("toy", "mine", 1);
        Assert.Null(second.Traffic.Of("toy").HolderOf("canary"));
        Assert.Equal((1, "stable"), Ask(second));
    }

    [Fact]
    public async Task Load_VersionThatTheOtherHasLabelled_GetsTheLabel()
    {
        var (first, second) = await StartTwoAsync();
        _fixture.Publish(3);
        await first.LoadAsync("toy", 3, Token);
        first.Traffic.SetLabel("toy", "stable", 3);
        second.Traffic.SetLabel("toy", "mine", 2);
        Assert.Throws<ModelNotFoundException>(() => Ask(second, label: "stable"));
        await second.LoadAsync("toy", 3, Token);
        Assert.Equal((3, "stable"), Ask(second));
    }

    [Fact]
    public async Task Look_VersionThatTheOtherHasLabelledIsDamaged_KeepsTheOldHolder()
    {
        var (first, second) = await StartTwoAsync();
        first.Traffic.SetLabel("toy", "stable", 1);
        await second.ReloadAsync(Token);
        _fixture.Publish(3);
        await first.LoadAsync("toy", 3, Token);
        first.Traffic.SetLabel("toy", "stable", 3);
        RecoServe.Testing.PackageFixes.Corrupt(_fixture.FileOf(3, PackageFiles.Scorer));
        Assert.Equal("3 Failed", Describe(await second.ReloadAsync(Token)));
        Assert.Equal((1, "stable"), Ask(second));
        await Assert.ThrowsAsync<ModelStateException>(() => second.UnloadAsync("toy", 1));
    }

    [Fact]
    public async Task SetLabel_AnotherServerWritesJustNow_WaitsForIt()
    {
        var (first, _) = await StartTwoAsync();
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task setting;
        using (TrafficFile.TakeTurn(TrafficFilePath))
        {
            setting = Task.Run(() =>
            {
                began.SetResult();
                first.Traffic.SetLabel("toy", "stable", 1);
            }, Token);
            await began.Task;
            Assert.False(File.Exists(TrafficFilePath));
        }

        await setting;
        Assert.Equal((1, "stable"), Ask(first));
    }

    [Fact]
    public async Task Look_TrafficFileHasBecomeInvalid_IsToldAndEverythingServesOn()
    {
        var (first, _) = await StartTwoAsync();
        first.Traffic.SetLabel("toy", "stable", 1);
        File.WriteAllText(TrafficFilePath, "{ \"lables\": { } }");
        Assert.Contains("traffic.json is not valid", Assert.Single(await first.ReloadAsync(Token)).Reason, StringComparison.Ordinal);
        Assert.Contains("traffic.json is not valid", Assert.Throws<PackageException>(() => first.Traffic.SetLabel("toy", "mine", 2)).Message, StringComparison.Ordinal);
        Assert.Equal((1, "stable"), Ask(first));
    }

    /// <summary>What could not be written is not undone by a look at the file that is older.</summary>
    [Fact]
    public async Task RollBackCanary_FileCannotBeWritten_HoldsOverLooksAndIsWrittenWithTheNextChange()
    {
        var (first, _) = await StartTwoAsync();
        first.Traffic.SetLabel("toy", "stable", 1);
        first.Traffic.SetLabel("toy", "canary", 2);
        Directory.CreateDirectory(TrafficFilePath + ".draft"); // where the next file would be written
        Assert.True(first.Traffic.RollBackCanary("toy", 2, "NaN"));
        await first.ReloadAsync(Token);
        Assert.Null(first.Traffic.Of("toy").HolderOf("canary"));
        Directory.Delete(TrafficFilePath + ".draft");
        first.Traffic.SetLabel("toy", "mine", 1);
        Assert.Equal("NaN", (await RestartAsync()).Traffic.Of("toy").RolledBack[2]);
    }

    private async Task<(ModelRegistry First, ModelRegistry Second)> StartTwoAsync()
    {
        _fixture.Publish(1, 2);
        return (await RestartAsync(), await RestartAsync());
    }

    private Task<ModelRegistry> RestartAsync() => _fixture.StartAsync(o => o.VersionPolicy = "specific:1,2");
}
