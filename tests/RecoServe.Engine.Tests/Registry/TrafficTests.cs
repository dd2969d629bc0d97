using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Testing;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Registry;

/// <summary>Labels, the canary's share and rolling back by hand, and that they survive.</summary>
public sealed class TrafficTests : IAsyncDisposable
{
    private static readonly Dictionary<string, IReadOnlyList<string>> Genre = new() { ["genre"] = [.. Enumerable.Repeat("drama", 20)] };

    private readonly RegistryFixture _fixture = new();

    private string TrafficFilePath => _fixture.Repository.File("toy/traffic.json");

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Acquire_NoVersion_IsStableElseTheNewest()
    {
        var registry = await StartAsync(1, 2, 3);
        Assert.Equal((3, ""), Ask(registry));
        registry.Traffic.SetLabel("toy", "stable", 1);
        Assert.Equal((1, "stable"), Ask(registry));
        registry.Traffic.SetLabel("toy", "mine", 2);
        Assert.Equal((2, "mine"), Ask(registry, label: "mine"));
        registry.Traffic.SetLabel("toy", "stable", null);
        Assert.Equal((3, ""), Ask(registry));
        Assert.Throws<ModelNotFoundException>(() => Ask(registry, label: "stable"));
    }

    [Fact]
    public async Task SetLabel_VersionDoesNotServe_IsRefusedAndSaysWhy()
    {
        var registry = await StartAsync(1, 2);
        await registry.UnloadAsync("toy", 1);
        Assert.Contains("is Unloaded", Assert.Throws<ModelStateException>(() => registry.Traffic.SetLabel("toy", "stable", 1)).Message, StringComparison.Ordinal);
        _fixture.Publish(3);
        Assert.Contains("is not loaded", Assert.Throws<ModelStateException>(() => registry.Traffic.SetLabel("toy", "stable", 3)).Message, StringComparison.Ordinal);
        Assert.Throws<ModelNotFoundException>(() => registry.Traffic.SetLabel("toy", "stable", 4));
        Assert.Throws<ModelNotFoundException>(() => registry.Traffic.SetLabel("toys", "stable", 1));
        Assert.False(File.Exists(TrafficFilePath));
    }

    [Fact]
    public async Task Unload_VersionHasALabel_IsRefused()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "canary", 2);
        var e = await Assert.ThrowsAsync<ModelStateException>(() => registry.UnloadAsync("toy", 2));
        Assert.Contains("the label \"canary\" points at version 2", e.Message, StringComparison.Ordinal);
        registry.Traffic.SetLabel("toy", "canary", null);
        await registry.UnloadAsync("toy", 2);
    }

    [Fact]
    public async Task Restart_LabelsAndShares_AreAsTheyWere()
    {
        var registry = await StartAsync(1, 2, 3);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "canary", 2);
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 100, ShadowVersion = 3, ShadowPercent = 5 });
        await _fixture.StopAsync(registry);
        var again = await _fixture.StartAsync(); // latest: 3 by policy, the others for their labels
        Assert.Equal([3, 2, 1], Serving(again));
        Assert.Equal((2, "canary"), Ask(again));
        Assert.Equal((1, "stable"), Ask(again, label: "stable"));
        Assert.Equal((3L, 5.0), (again.Traffic.Of("toy").ShadowVersion!.Value, again.Traffic.Of("toy").ShadowPercent));
    }

    /// <summary>Whoever is killed while writing leaves a part of the next file beside the one that counts.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(60)]
    public async Task Restart_KilledWhileWritingLabels_LoadsWithThoseBefore(int written)
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        File.WriteAllBytes(TrafficFilePath + ".draft", File.ReadAllBytes(TrafficFilePath)[..written]);
        await _fixture.StopAsync(registry);
        var again = await _fixture.StartAsync();
        Assert.Equal((1, "stable"), Ask(again));
        again.Traffic.SetLabel("toy", "stable", 2);
        Assert.Equal((2, "stable"), Ask(again));
    }

    [Theory]
    [InlineData("{ \"labels\": { \"stable\": 1 ", "traffic.json is not valid (line 1)")]
    [InlineData("{ \"lables\": { } }", "traffic.json is not valid (line 1)")]
    [InlineData("{ \"labels\": { \"a/b\": 1 } }", "traffic.json points the label \"a/b\" at version 1")]
    [InlineData("{ \"labels\": { \"stable\": -1 } }", "traffic.json points the label \"stable\" at version -1")]
    [InlineData("{ \"canary_percent\": 101 }", "traffic.json must have percentages")]
    [InlineData("{ \"labels\": { \"stable\": 7 } }", "no complete version 7 of model \"toy\"")]
    public async Task Start_TrafficFileIsWrong_SaysWhere(string text, string problem)
    {
        _fixture.Publish(1);
        File.WriteAllText(TrafficFilePath, text);
        var e = await Assert.ThrowsAsync<AggregateException>(() => _fixture.StartAsync());
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_TrafficFileCannotBeRead_NamesIt()
    {
        _fixture.Publish(1);
        Directory.CreateDirectory(TrafficFilePath); // where the file should be
        var e = await Assert.ThrowsAsync<AggregateException>(() => _fixture.StartAsync());
        Assert.StartsWith($"{TrafficFilePath} cannot be read: ", Assert.IsType<PackageException>(e.InnerException).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Change_FileCannotBeWritten_ChangesNothing()
    {
        var registry = await StartAsync(1, 2);
        Directory.CreateDirectory(TrafficFilePath + ".draft"); // where the next file would be written
        var e = Assert.Throws<PackageException>(() => registry.Traffic.SetLabel("toy", "stable", 1));
        Assert.Contains("cannot be written, so nothing was changed", e.Message, StringComparison.Ordinal);
        Assert.Equal((2, ""), Ask(registry));
    }

    [Fact]
    public async Task Canary_OfTenThousandUsers_GetsItsShareAndKeepsIts()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "canary", 2);
        Assert.Equal(0, CountCanary(registry, "user")); // no share is set yet
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 5 });
        var five = Users(registry);
        Assert.InRange(five.Count, 400, 600); // 4.6 standard deviations
        Assert.Equal(five, Users(registry));
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 20 });
        var twenty = Users(registry);
        Assert.InRange(twenty.Count, 1800, 2200);
        Assert.Subset(twenty, five);
        // Nobody known: still the share, spread evenly.
        Assert.InRange(CountCanary(registry, ""), 1990, 2010);
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 100 });
        Assert.Equal(10_000, CountCanary(registry, "user"));
    }

    [Fact]
    public async Task Canary_ShareIsInTheOptions_HoldsUntilTheModelHasItsOwn()
    {
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync(o => (o.VersionPolicy, o.CanaryPercent) = ("all", 100));
        registry.Traffic.SetLabel("toy", "canary", 2);
        Assert.Equal((2, "canary"), Ask(registry));
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 0 });
        Assert.Equal((1, ""), Ask(registry)); // not the newest: that is the canary
    }

    [Fact]
    public async Task Acquire_LabelMovesAndTheOldVersionEnds_NoRequestFails()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            var asked = 0;
            for (; !stop.IsCancellationRequested; asked++)
                Ask(registry);
            return asked;
        })).ToArray();
        for (var swap = 0; swap < 10; swap++)
        {
            var (next, old) = swap % 2 == 0 ? (2, 1) : (1, 2);
            await registry.LoadAsync("toy", next, Token);
            registry.Traffic.SetLabel("toy", "stable", next);
            await registry.UnloadAsync("toy", old);
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(callers), asked => Assert.True(asked > 0));
    }

    [Fact]
    public async Task RollBack_Stable_GoesToThePreviousHolderEvenIfItIsUnloaded()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "stable", 2);
        await registry.UnloadAsync("toy", 1);
        await registry.Traffic.RollBackAsync("toy", "stable", "too many films", Token);
        Assert.Equal((1, "stable"), Ask(registry));
        Assert.Equal("too many films", registry.Traffic.Of("toy").RolledBack[2]);
        // Once more is not the other way round.
        var e = await Assert.ThrowsAsync<ModelStateException>(() => registry.Traffic.RollBackAsync("toy", "stable", "again", Token));
        Assert.Contains("version 2, which had the label \"stable\" before version 1, was itself rolled back (too many films)", e.Message, StringComparison.Ordinal);
        Assert.Equal((1, "stable"), Ask(registry));
        // By hand it answers again, and the mark is gone.
        registry.Traffic.SetLabel("toy", "stable", 2);
        Assert.Empty(registry.Traffic.Of("toy").RolledBack);
    }

    [Fact]
    public async Task RollBack_ItsVersionLosesTheLabel_EndsAtTheNextLook()
    {
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync();
        await registry.LoadAsync("toy", 1, Token);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "stable", 2);
        await registry.UnloadAsync("toy", 1);
        await registry.Traffic.RollBackAsync("toy", "stable", "bad", Token);
        _fixture.Publish(3);
        Assert.Equal("3 Loaded, 2 Unloaded", Describe(await registry.ReloadAsync(Token)));
        registry.Traffic.SetLabel("toy", "stable", 3);
        Assert.Equal("1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task RollBack_Canary_GetsNoRequestsByItselfNorByPolicyNorAfterARestart()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "canary", 2);
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 100 });
        Assert.Equal((2, "canary"), Ask(registry));
        await registry.Traffic.RollBackAsync("toy", "canary", "bad", Token);
        Assert.Equal((1, ""), Ask(registry));
        using (var lease = registry.Acquire(new ModelSelector("toy", 2)))
            Assert.Equal(2, lease.Version.Version);
        await _fixture.StopAsync(registry);
        var again = await _fixture.StartAsync();
        Assert.Equal([1], Serving(again));
        Assert.Equal("2 Loaded", Describe([new ReloadOutcome("toy", (await again.LoadAsync("toy", 2, Token)).Version, ReloadAction.Loaded)]));
        Assert.Empty(again.Traffic.Of("toy").RolledBack); // by hand it is taken in again
        Assert.Equal((2, ""), Ask(again));
    }

    [Fact]
    public async Task RollBack_NothingElseWouldAnswer_IsRefused()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "canary", 1);
        await registry.UnloadAsync("toy", 2);
        var e = await Assert.ThrowsAsync<ModelStateException>(() => registry.Traffic.RollBackAsync("toy", "canary", "bad", Token));
        Assert.Contains("no other version of model \"toy\" serves", e.Message, StringComparison.Ordinal);
        Assert.Equal((1, "canary"), Ask(registry, label: "canary"));
        await Assert.ThrowsAsync<ModelNotFoundException>(() => registry.Traffic.RollBackAsync("toy", "stable", "bad", Token));
    }

    [Fact]
    public async Task RollBack_PreviousServesAndItsFilesAreGone_NeedsNone()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "stable", 2);
        Directory.Delete(_fixture.Repository.File("toy/1"), recursive: true);
        await registry.Traffic.RollBackAsync("toy", "stable", "bad", Token);
        Assert.Equal((1, "stable"), Ask(registry));
    }

    [Fact]
    public async Task RollBack_LabelWasTakenAwayAndGivenBack_HasNoPrevious()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "stable", 2);
        registry.Traffic.SetLabel("toy", "stable", null);
        registry.Traffic.SetLabel("toy", "stable", 2);
        await registry.Traffic.RollBackAsync("toy", "stable", "bad", Token);
        Assert.Equal((1, ""), Ask(registry));
        Assert.Equal("bad", registry.Traffic.Of("toy").RolledBack[2]);
    }

    [Fact]
    public async Task RollBackCanary_FileCannotBeWritten_HoldsForRequests()
    {
        var log = new RecordedLog<ModelRegistry>();
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all", log);
        registry.Traffic.SetLabel("toy", "canary", 2);
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 100 });
        File.Delete(TrafficFilePath);
        Directory.CreateDirectory(TrafficFilePath); // where the file should be
        Assert.True(registry.Traffic.RollBackCanary("toy", 2, "NaN"));
        Assert.Equal((1, ""), Ask(registry));
        Assert.Equal(1, log.CountOf("RollBackNotWritten"));
        Directory.Delete(TrafficFilePath);
    }

    /// <summary>A version that keeps a label answers who asks for it, and nobody else.</summary>
    [Fact]
    public async Task RollBack_OfOneLabelOfTwo_LeavesTheOtherAndUndoesNothingIfRepeated()
    {
        var log = new RecordedLog<ModelRegistry>();
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all", log);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "stable", 2);
        registry.Traffic.SetLabel("toy", "candidate", 2);
        await registry.Traffic.RollBackAsync("toy", "stable", "bad", Token);
        Assert.Equal((1, "stable"), Ask(registry));
        Assert.Equal((2, "candidate"), Ask(registry, label: "candidate"));
        Assert.Equal("bad", registry.Traffic.Of("toy").RolledBack[2]);
        Assert.Equal((1, 1), (log.CountOf("RolledBack"), log.CountOf("LabelKept")));
        await Assert.ThrowsAsync<ModelStateException>(() => registry.Traffic.RollBackAsync("toy", "stable", "bad", Token));
        Assert.Equal((1, "stable"), Ask(registry));
    }

    [Fact]
    public async Task RollBackCanary_WithAnotherLabelAndNoStable_AnswersNobodyElse()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "evening", 2);
        registry.Traffic.SetLabel("toy", "canary", 2);
        Assert.True(registry.Traffic.RollBackCanary("toy", 2, "NaN"));
        Assert.Equal((1, ""), Ask(registry));
        Assert.Equal((2, "evening"), Ask(registry, label: "evening"));
    }

    /// <summary>Of a stable version another label may be rolled back; it answers on, and so the canary can be rolled back too.</summary>
    [Fact]
    public async Task RollBack_OfAnotherLabelOfTheStableVersion_AnswersOn()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "evening", 2);
        registry.Traffic.SetLabel("toy", "evening", 1);
        registry.Traffic.SetLabel("toy", "canary", 2);
        await registry.Traffic.RollBackAsync("toy", "evening", "dull", Token);
        Assert.Equal("dull", registry.Traffic.Of("toy").RolledBack[1]);
        Assert.Equal((1, "stable"), Ask(registry));
        Assert.True(registry.Traffic.RollBackCanary("toy", 2, "NaN"));
        Assert.Equal((1, "stable"), Ask(registry));
    }

    [Fact]
    public async Task Canary_NothingElseServes_IsRefused()
    {
        var registry = await StartAsync(1);
        var e = Assert.Throws<ModelStateException>(() => registry.Traffic.SetLabel("toy", "canary", 1));
        Assert.Contains("as canary version 1 would answer every request; load another first", e.Message, StringComparison.Ordinal);
        Assert.Empty(registry.Traffic.Of("toy").Labels);
    }

    [Fact]
    public async Task Canary_Ends_ItsShareEndsWithIt()
    {
        var registry = await StartAsync(1, 2, 3);
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 100 }); // before the label, as some do
        registry.Traffic.SetLabel("toy", "canary", 3);
        Assert.Equal((3, "canary"), Ask(registry));
        registry.Traffic.SetLabel("toy", "canary", 2);
        Assert.Equal((3, ""), Ask(registry));
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 100 });
        registry.Traffic.SetLabel("toy", "canary", 2); // no change
        Assert.Equal((2, "canary"), Ask(registry));
        registry.Traffic.SetLabel("toy", "canary", null);
        registry.Traffic.SetLabel("toy", "canary", 2);
        Assert.Equal((3, ""), Ask(registry));
    }

    /// <summary>The canary is older than what becomes stable: it stays what it is, and keeps its share.</summary>
    [Fact]
    public async Task SetLabel_StableMovesPastAnOlderCanary_TheCanaryStaysAndTheOldStableEnds()
    {
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "latest");
        await registry.LoadAsync("toy", 1, Token);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "canary", 2);
        registry.Traffic.Set("toy", t => t with { CanaryPercent = 20 });
        var users = Users(registry);
        _fixture.Publish(3);
        await registry.LoadAsync("toy", 3, Token);
        registry.Traffic.SetLabel("toy", "stable", 3);
        Assert.Equal(users, Users(registry));
        Assert.Equal((3, "stable"), Ask(registry, label: "stable"));
        Assert.Equal((2, "canary"), Ask(registry, label: "canary"));
        Assert.Empty(await registry.ReloadAsync(Token)); // 1 was loaded by hand
        await registry.UnloadAsync("toy", 1);
        Assert.Equal([3, 2], Serving(registry));
        await registry.Traffic.RollBackAsync("toy", "canary", "bad", Token);
        Assert.Equal((3, "stable"), Ask(registry));
        Assert.Equal("2 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task SetLabel_StableBecomesTheCanary_AnswersAllAndCanBeRolledBack()
    {
        var registry = await StartAsync(1, 2);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "canary", 2);
        registry.Traffic.SetLabel("toy", "stable", 2);
        Assert.Equal((2, "stable"), Ask(registry));
        await registry.Traffic.RollBackAsync("toy", "stable", "bad", Token);
        Assert.Equal((1, "stable"), Ask(registry));
        Assert.Equal((2, "canary"), Ask(registry, label: "canary")); // which it still is
    }

    /// <summary>Else the canary would refuse for good what the new stable version takes.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(null)]
    public async Task SetLabel_StableMovesToWhatTheCanaryLacks_IsRefusedUntilTheCanaryEnds(int? stable)
    {
        _fixture.Publish(new TestModel(), 1, 2);
        _fixture.Publish(new TestModel { Attributes = Genre }, 3);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "canary", 2);
        var e = Assert.Throws<ModelStateException>(() => registry.Traffic.SetLabel("toy", "stable", stable));
        Assert.Contains("version 2 of model \"toy\" has no attribute \"genre\": version 3 answers", e.Message, StringComparison.Ordinal);
        Assert.Equal((1, "stable"), Ask(registry));
        registry.Traffic.SetLabel("toy", "canary", null);
        registry.Traffic.SetLabel("toy", "stable", stable);
        Assert.Equal(3, Ask(registry).Version);
    }

    [Fact]
    public async Task Acquire_UnknownLabel_SaysWhichThereAre()
    {
        var registry = await StartAsync(1, 2);
        Assert.EndsWith("has no label \"stabel\"; it has: none", Assert.Throws<ModelNotFoundException>(() => Ask(registry, label: "stabel")).Message, StringComparison.Ordinal);
        registry.Traffic.SetLabel("toy", "stable", 1);
        registry.Traffic.SetLabel("toy", "canary", 2);
        Assert.EndsWith("it has: canary, stable", Assert.Throws<ModelNotFoundException>(() => Ask(registry, label: "stabel")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shadow_AnswersItselfOrHasNoSlates_IsRefused()
    {
        TestGraph.PublishSum(_fixture.Repository.Path, "sum", 1);
        TestGraph.PublishSum(_fixture.Repository.Path, "sum", 2);
        var registry = await StartAsync(1, 2);
        var e = Assert.Throws<ModelStateException>(() => registry.Traffic.Set("toy", t => t with { ShadowVersion = 2, ShadowPercent = 10 }));
        Assert.Contains("version 2 of model \"toy\" answers the requests itself", e.Message, StringComparison.Ordinal);
        registry.Traffic.Set("toy", t => t with { ShadowVersion = 1, ShadowPercent = 10 });
        e = Assert.Throws<ModelStateException>(() => registry.Traffic.Set("sum", t => t with { ShadowVersion = 1, ShadowPercent = 10 }));
        Assert.Contains("is a plain graph", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Requests that name what it lacks would be refused for good, for its share of the users.</summary>
    [Fact]
    public async Task SetLabel_CanaryLacksWhatStableHas_IsRefusedAndNamesIt()
    {
        var whole = new TestModel { Devices = ["tv"], Attributes = Genre };
        _fixture.Publish(whole, 1, 3);
        _fixture.Publish(new TestModel(), 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        registry.Traffic.SetLabel("toy", "stable", 1);
        var e = Assert.Throws<ModelStateException>(() => registry.Traffic.SetLabel("toy", "canary", 2));
        Assert.Equal("version 2 of model \"toy\" has no context field \"device\", no attribute \"genre\": version 1 answers requests that it would refuse", e.Message);
        Assert.Null(registry.Traffic.Of("toy").HolderOf("canary"));
        registry.Traffic.SetLabel("toy", "mine", 2); // whoever names it knows what it has
        registry.Traffic.SetLabel("toy", "canary", 3);
        registry.Traffic.SetLabel("toy", "stable", 2);
        registry.Traffic.SetLabel("toy", "canary", 1); // it has more
    }

    /// <summary>Without a label the newest but the canary answers.</summary>
    [Fact]
    public async Task SetLabel_CanaryLacksWhatTheNewestOtherHas_IsRefused()
    {
        _fixture.Publish(new TestModel { Devices = ["tv"] }, 1);
        _fixture.Publish(new TestModel(), 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        var e = Assert.Throws<ModelStateException>(() => registry.Traffic.SetLabel("toy", "canary", 2));
        Assert.Contains("has no context field \"device\": version 1 answers", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SetLabel_CanaryOfAPackageIsAGraph_IsRefused()
    {
        _fixture.Publish(1);
        TestGraph.PublishSum(_fixture.Repository.Path, "toy", 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        var e = Assert.Throws<ModelStateException>(() => registry.Traffic.SetLabel("toy", "canary", 2));
        Assert.Contains("is a plain graph, which recommends nothing", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Context that it does not read is left out of its copies; a filter by an attribute cannot be.</summary>
    [Fact]
    public async Task Shadow_LacksAnAttribute_IsRefused()
    {
        _fixture.Publish(new TestModel { Attributes = Genre }, 1);
        _fixture.Publish(new TestModel(), 2);
        _fixture.Publish(new TestModel { Devices = ["tv"], Attributes = Genre }, 3);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        registry.Traffic.SetLabel("toy", "stable", 3);
        var e = Assert.Throws<ModelStateException>(() => registry.Traffic.Set("toy", t => t with { ShadowVersion = 2, ShadowPercent = 10 }));
        Assert.Contains("has no attribute \"genre\": version 3 answers", e.Message, StringComparison.Ordinal);
        registry.Traffic.Set("toy", t => t with { ShadowVersion = 1, ShadowPercent = 10 });
    }

    private static HashSet<int> Users(ModelRegistry registry) =>
        [.. Enumerable.Range(0, 10_000).Where(u => Ask(registry, $"user{u}").Label == "canary")];

    private static int CountCanary(ModelRegistry registry, string prefix) =>
        Enumerable.Range(0, 10_000).Count(u => Ask(registry, prefix.Length > 0 ? $"{prefix}{u}" : "").Label == "canary");

    private async Task<ModelRegistry> StartAsync(params long[] versions)
    {
        _fixture.Publish(versions);
        return await _fixture.StartAsync(o => o.VersionPolicy = "all");
    }
}
