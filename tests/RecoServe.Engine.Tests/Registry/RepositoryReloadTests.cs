using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Testing;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Registry;

/// <summary>Looks at the repository: what is loaded, kept, unloaded and passed over.</summary>
public sealed class RepositoryReloadTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Theory]
    [InlineData("latest", "3")]
    [InlineData("latest:2", "3,2")]
    [InlineData("all", "3,2,1")]
    [InlineData("specific:1,3", "3,1")]
    public async Task Start_Policy_LoadsWhatItAsksFor(string policy, string expected)
    {
        _fixture.Publish(1, 2, 3);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = policy);
        Assert.Equal(expected, string.Join(',', Serving(registry)));
    }

    [Theory]
    [InlineData("specific:7,9", "specific:7,9 asks for no version of model \"toy\" that the repository has: 2, 1 (rolled back)")]
    [InlineData("specific:1", "specific:1 asks for no version of model \"toy\" that the repository has: 2, 1 (rolled back)")]
    public async Task Start_PolicyAsksForNothingThatIsThere_IsFatalAndSaysWhatIs(string policy, string problem)
    {
        _fixture.Publish(1, 2);
        File.WriteAllText(_fixture.Repository.File("toy/traffic.json"), """{ "rolled_back": { "1": "bad" } }""");
        var e = await Assert.ThrowsAsync<AggregateException>(() => _fixture.StartAsync(o => o.VersionPolicy = policy));
        Assert.Contains(problem, Assert.IsType<ModelNotFoundException>(e.InnerException).Message, StringComparison.Ordinal);
    }

    /// <summary>More than are shown of a model that have ended.</summary>
    [Fact]
    public async Task Look_FortyWereUnloadedByHandAndFortyFail_TriesNoneAgainBeforeItsFilesChange()
    {
        _fixture.Publish([.. Enumerable.Range(1, 41).Select(v => (long)v)]);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        for (var version = 1; version <= 40; version++)
            await registry.UnloadAsync("toy", version);
        _fixture.Publish([.. Enumerable.Range(42, 40).Select(v => (long)v)]);
        for (var version = 42; version <= 81; version++)
            PackageFixes.Corrupt(_fixture.FileOf(version, PackageFiles.Scorer));
        Assert.Equal(40, (await registry.ReloadAsync(Token)).Count(o => o.Action == ReloadAction.Failed));
        Assert.InRange(registry.Models["toy"].Length, 30, 35);
        Assert.All(await registry.ReloadAsync(Token), o => Assert.Equal(ReloadAction.PassedOver, o.Action));
        RegistryFixture.Rewrite(_fixture.Manifest(1), File.ReadAllBytes(_fixture.Manifest(1)));
        Assert.Equal(1, Assert.Single(await registry.ReloadAsync(Token), o => o.Action == ReloadAction.Loaded).Version);
        await registry.LoadAsync("toy", 2, Token); // by hand it always may
        Assert.Equal([41, 2, 1], Serving(registry));
    }

    /// <summary>A number that is removed and published anew is another version.</summary>
    [Fact]
    public async Task Look_VersionUnloadedByHandAndNotShownIsRemovedAndPublishedAnew_IsLoaded()
    {
        _fixture.Publish([.. Enumerable.Range(1, 41).Select(v => (long)v)]);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        for (var version = 1; version <= 40; version++)
            await registry.UnloadAsync("toy", version);
        _fixture.Publish(42);
        await registry.ReloadAsync(Token); // from now on 1 is not shown
        var (at, away) = (_fixture.Repository.File("toy/1"), _fixture.Repository.File("away"));
        Directory.Move(at, away);
        await registry.ReloadAsync(Token);
        Directory.Move(away, at);
        Assert.Equal(1, Assert.Single(await registry.ReloadAsync(Token), o => o.Action == ReloadAction.Loaded).Version);
    }

    [Fact]
    public async Task Start_NewestIsDamaged_AnOlderOneTakesItsPlace()
    {
        _fixture.Publish(1, 2, 3);
        PackageFixes.Truncate(_fixture.FileOf(3, "scorer.onnx")); // a copy that was interrupted after the manifest
        var registry = await _fixture.StartAsync();
        Assert.Equal([2], Serving(registry));
        Assert.Contains("scorer.onnx has", registry.Models["toy"][0].Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Look_NewVersion_IsLoadedAndTheOldOneEnds()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        Assert.Empty(await registry.ReloadAsync(Token));
        _fixture.Publish(2);
        Assert.Equal("2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal([2], Serving(registry));
        Assert.Empty(await registry.ReloadAsync(Token));
    }

    /// <summary>Else it would be the only version that serves, and answer everything.</summary>
    [Fact]
    public async Task Look_TheNewestIsACanary_TheLatestOtherServesOn()
    {
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "specific:1");
        await registry.LoadAsync("toy", 2, Token);
        registry.Traffic.SetLabel("toy", "canary", 2);
        await _fixture.StopAsync(registry);

        var latest = await _fixture.StartAsync();
        Assert.Equal([2, 1], Serving(latest));
        Assert.Empty(await latest.ReloadAsync(Token));
        _fixture.Publish(3);
        Assert.Equal("3 Loaded, 1 Unloaded", Describe(await latest.ReloadAsync(Token)));
        latest.Traffic.SetLabel("toy", "stable", 2); // it has done well
        Assert.Empty(await latest.ReloadAsync(Token));
        Assert.Equal([3, 2], Serving(latest));
    }

    [Fact]
    public async Task Start_NewestBesideTheCanaryIsDamaged_AnOlderOneTakesItsPlace()
    {
        _fixture.Publish(1, 2, 3);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        registry.Traffic.SetLabel("toy", "canary", 3);
        await _fixture.StopAsync(registry);
        PackageFixes.Truncate(_fixture.FileOf(2, "scorer.onnx"));
        var again = await _fixture.StartAsync();
        Assert.Equal([3, 1], Serving(again));
    }

    [Fact]
    public async Task Start_NewestIsDamagedAndOneWasRolledBack_TheGoodOneTakesItsPlace()
    {
        _fixture.Publish(1, 2, 3);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        registry.Traffic.SetLabel("toy", "canary", 3);
        await registry.Traffic.RollBackAsync("toy", "canary", "bad", Token);
        await _fixture.StopAsync(registry);
        PackageFixes.Truncate(_fixture.FileOf(2, "scorer.onnx"));
        var again = await _fixture.StartAsync();
        Assert.Equal([1], Serving(again));
    }

    /// <summary>Else the canary would answer everything.</summary>
    [Fact]
    public async Task Look_OnlyTheCanaryIsLeft_TheOtherServesOn()
    {
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        registry.Traffic.SetLabel("toy", "canary", 2);
        await _fixture.StopAsync(registry);
        foreach (var preserve in new[] { false, true })
        {
            var again = await _fixture.StartAsync(o => o.PreserveResources = preserve);
            Directory.Move(_fixture.Repository.File("toy/1"), _fixture.Repository.File("gone"));
            Assert.Empty(await again.ReloadAsync(Token));
            Assert.Equal([2, 1], Serving(again));
            Directory.Move(_fixture.Repository.File("gone"), _fixture.Repository.File("toy/1"));
            await _fixture.StopAsync(again);
        }
    }

    /// <summary>What a look would unload is decided before it loads, and LoadVersion may be answered meanwhile.</summary>
    [Fact]
    public async Task Look_OldVersionIsLoadedOnDemandMeanwhile_ItServesOn()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        _fixture.Publish(2);
        var asked = Task.CompletedTask;
        void OnChanged(ModelVersion v)
        {
            if (v is { Version: 2, State: VersionState.Serving })
                asked = registry.LoadAsync("toy", 1, Token);
        }

        registry.Changed += OnChanged;
        Assert.Equal("2 Loaded", Describe(await registry.ReloadAsync(Token)));
        await asked;
        Assert.Equal([2, 1], Serving(registry));
    }

    [Fact]
    public async Task Look_TrafficFileOfANewModelIsWrong_OthersAreLoaded()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        new TestModel { Name = "another" }.Publish(_fixture.Repository.Path);
        File.WriteAllText(_fixture.Repository.File("another/traffic.json"), "{");
        _fixture.Publish(2);
        var outcomes = await registry.ReloadAsync(Token);
        Assert.Equal("1 Failed, 2 Loaded, 1 Unloaded", Describe(outcomes));
        Assert.Contains("traffic.json is not valid", outcomes[0].Reason, StringComparison.Ordinal);
        Assert.Equal([2], Serving(registry));
    }

    [Fact]
    public async Task Start_DirectoryWithANameThatNoModelCanHave_IsTold()
    {
        var log = new RecordedLog<ModelRegistry>();
        _fixture.Publish(1);
        Directory.CreateDirectory(_fixture.Repository.File("my model/1"));
        Directory.CreateDirectory(_fixture.Repository.File("not a model/at all"));
        var registry = await _fixture.StartAsync(_ => { }, log);
        await registry.ReloadAsync(Token);
        Assert.Equal(1, log.CountOf("NameIgnored"));
    }

    [Fact]
    public async Task Look_AvailabilityPreserving_TheOldServesUntilTheNewDoes()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        _fixture.Publish(2);
        var served = new List<(VersionState Of2, long Answers)>();
        void OnChanged(ModelVersion v)
        {
            if (v is { Version: 2, State: not VersionState.Serving })
                served.Add((v.State, Ask(registry).Version));
        }

        registry.Changed += OnChanged;
        await registry.ReloadAsync(Token);
        registry.Changed -= OnChanged;
        Assert.Equal([(VersionState.Loading, 1), (VersionState.Warming, 1)], served);
    }

    [Fact]
    public async Task Look_ResourcePreserving_TheOldEndsFirst()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync(o => o.PreserveResources = true);
        _fixture.Publish(2);
        var states = new List<(long, VersionState)>();
        registry.Changed += v => states.Add((v.Version, v.State));
        Assert.Equal("1 Unloaded, 2 Loaded", Describe(await registry.ReloadAsync(Token)));
        Assert.True(states.IndexOf((1, VersionState.Unloaded)) < states.IndexOf((2, VersionState.Loading)));
    }

    [Fact]
    public async Task Look_ResourcePreservingAndTheCallerGoesAwayMeanwhile_TheNewIsLoaded()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync(o => o.PreserveResources = true);
        _fixture.Publish(2);
        using var caller = new CancellationTokenSource();
        registry.Changed += v =>
        {
            if (v is { Version: 1, State: VersionState.Draining })
                caller.Cancel();
        };
        try
        {
            await registry.ReloadAsync(caller.Token);
        }
        catch (OperationCanceledException)
        {
            // Whether it is told is all the same: the caller is gone.
        }

        Assert.Equal([2], Serving(registry));
    }

    [Fact]
    public async Task Look_ResourcePreservingAndTheNewFails_TheOldIsLoadedAgain()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync(o => o.PreserveResources = true);
        _fixture.Publish(2);
        PackageFixes.Corrupt(_fixture.FileOf(2, "scorer.onnx"));
        Assert.Equal("1 Unloaded, 2 Failed, 1 Loaded", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal([1], Serving(registry));
        // It is not taken down again for a version that is known to fail.
        Assert.DoesNotContain((await registry.ReloadAsync(Token)), o => o.Action != ReloadAction.PassedOver);
        Assert.Equal([1], Serving(registry));
    }

    /// <summary>It could not be loaded again, should the new one fail.</summary>
    [Fact]
    public async Task Look_ResourcePreservingAndTheOldFilesAreGone_ServesOnUntilTheNewDoes()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync(o => o.PreserveResources = true);
        Directory.Delete(_fixture.Repository.File("toy/1"), recursive: true);
        _fixture.Publish(2);
        var scorer = File.ReadAllBytes(_fixture.FileOf(2, "scorer.onnx"));
        PackageFixes.Corrupt(_fixture.FileOf(2, "scorer.onnx"));
        Assert.Equal("2 Failed", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal([1], Serving(registry));
        RegistryFixture.Rewrite(_fixture.FileOf(2, "scorer.onnx"), scorer);
        Assert.Equal("2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task Look_NewVersionIsBad_TheOldServesOnAndItIsTriedAgainOnlyWhenItsFilesChange()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        _fixture.Publish(2);
        var path = _fixture.FileOf(2, "scorer.onnx");
        var good = File.ReadAllBytes(path);
        PackageFixes.Corrupt(path);
        Assert.Equal("2 Failed", Describe(await registry.ReloadAsync(Token)));
        var passedOver = Assert.Single(await registry.ReloadAsync(Token));
        Assert.Equal((2L, ReloadAction.PassedOver), (passedOver.Version, passedOver.Action));
        Assert.Contains("failed before, and its files have not changed", passedOver.Reason, StringComparison.Ordinal);
        Assert.Contains("scorer.onnx is damaged", passedOver.Reason, StringComparison.Ordinal);
        Assert.Equal([1], Serving(registry));
        Rewrite(path, good);
        Assert.Equal("2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    /// <summary>As <c>cp -r</c> does it: the manifest comes before two other files.</summary>
    [Fact]
    public async Task Look_DirectoryIsBeingCopied_LoadsWhenItIsWhole()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        var source = Path.Combine(_fixture.Repository.File("elsewhere"), "toy", "2");
        new TestModel().Publish(_fixture.Repository.File("elsewhere"), 2);
        var target = Directory.CreateDirectory(_fixture.Repository.File("toy/2")).FullName;
        foreach (var file in PackageFiles.Content.Append(PackageFiles.Manifest).Order(StringComparer.Ordinal))
        {
            var bytes = File.ReadAllBytes(Path.Combine(source, file));
            File.WriteAllBytes(Path.Combine(target, file), bytes[..(bytes.Length / 2)]);
            Assert.DoesNotContain(await registry.ReloadAsync(Token), o => o.Action == ReloadAction.Loaded);
            File.WriteAllBytes(Path.Combine(target, file), bytes);
            var loaded = (await registry.ReloadAsync(Token)).Any(o => o.Action == ReloadAction.Loaded);
            Assert.Equal(file == "scorer.onnx", loaded);
        }

        Assert.Equal([2], Serving(registry));
    }

    /// <summary>The file that no package needs to have is verified too where there is one.</summary>
    [Fact]
    public async Task Look_TrainingFileComesLast_LoadsWhenItIsThere()
    {
        _fixture.Publish(1, 2);
        var path = _fixture.FileOf(2, PackageFiles.Training);
        File.WriteAllText(path, "epochs: 1");
        var training = ModelPackage.Checksum(path);
        PackageFixes.RewriteManifest(_fixture.Repository.File("toy/2"), m => m with { Files = m.Files.Append(new(PackageFiles.Training, training)).ToDictionary() });
        File.Delete(path);
        var registry = await _fixture.StartAsync();
        Assert.Equal([1], Serving(registry));
        Assert.Equal("2 PassedOver", Describe(await registry.ReloadAsync(Token)));
        File.WriteAllText(path, "epochs: 1");
        Assert.Equal("2 Loaded, 1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task Look_SameVersionPublishedAnew_IsReplacedWithoutAGap()
    {
        _fixture.Publish(new TestModel { Seed = 1 }, 1);
        var registry = await _fixture.StartAsync();
        File.SetLastWriteTimeUtc(_fixture.Manifest(1), DateTime.UnixEpoch); // touched, not changed
        Assert.Empty(await registry.ReloadAsync(Token));
        var old = registry.Models["toy"][0];
        Assert.Equal(PackageFingerprint.OfFiles(_fixture.Repository.File("toy/1")), old.Files); // not read again at every look
        Directory.Delete(_fixture.Repository.File("toy/1"), recursive: true);
        _fixture.Publish(new TestModel { Seed = 2 }, 1);
        var answers = new List<long>();
        void OnChanged(ModelVersion v) => answers.Add(Ask(registry).Version);
        registry.Changed += OnChanged;
        using (var lease = registry.Acquire(new ModelSelector("toy")))
        {
            Assert.Equal("1 Loaded", Describe(await registry.ReloadAsync(Token)));
            Assert.Same(old, lease.Version);
            Assert.Equal(VersionState.Draining, old.State);
        }

        while (registry.Models["toy"].Contains(old))
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);
        registry.Changed -= OnChanged;
        Assert.Equal(VersionState.Unloaded, old.State);
        Assert.Equal([1], Serving(registry));
        Assert.All(answers, v => Assert.Equal(1, v));
    }

    [Fact]
    public async Task Look_LoadedByHandOrLabelled_IsNotUnloaded()
    {
        _fixture.Publish(1, 2, 3);
        var registry = await _fixture.StartAsync();
        await registry.LoadAsync("toy", 1, Token);
        registry.Traffic.SetLabel("toy", "stable", 3);
        _fixture.Publish(4);
        Assert.Equal("4 Loaded", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal([4, 3, 1], Serving(registry));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Look_LabelHasMovedAway_TheOldVersionEnds(bool preserveResources)
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync(o => o.PreserveResources = preserveResources);
        registry.Traffic.SetLabel("toy", "stable", 1);
        _fixture.Publish(2);
        Assert.Equal("2 Loaded", Describe(await registry.ReloadAsync(Token)));
        registry.Traffic.SetLabel("toy", "stable", 2);
        Assert.Equal("1 Unloaded", Describe(await registry.ReloadAsync(Token)));
    }

    [Fact]
    public async Task Load_VersionOfThatNumberIsStillDraining_IsShownOnceInTheEnd()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        Task unloading;
        using (registry.Acquire(new ModelSelector("toy")))
        {
            unloading = registry.UnloadAsync("toy", 1);
            while (registry.Models["toy"][0].State != VersionState.Draining)
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);
            await registry.LoadAsync("toy", 1, Token);
            Assert.Equal([VersionState.Serving, VersionState.Draining], registry.Models["toy"].Select(v => v.State));
        }

        await unloading;
        Assert.Equal(VersionState.Serving, Assert.Single(registry.Models["toy"]).State);
    }

    [Fact]
    public async Task Look_UnloadedByHand_IsNotLoadedAgain()
    {
        _fixture.Publish(1, 2);
        var registry = await _fixture.StartAsync();
        await registry.LoadAsync("toy", 1, Token);
        await registry.UnloadAsync("toy", 2);
        Assert.Equal("2 PassedOver", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal([1], Serving(registry));
        await registry.LoadAsync("toy", 2, Token);
        Assert.Empty(await registry.ReloadAsync(Token));
    }

    [Fact]
    public async Task Look_FilesOfTheServingVersionAreGone_ItServesOn()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        Directory.Delete(_fixture.Repository.File("toy/1"), recursive: true);
        Assert.Empty(await registry.ReloadAsync(Token));
        Directory.Delete(_fixture.Repository.File("toy"), recursive: true);
        Assert.Empty(await registry.ReloadAsync(Token));
        Assert.Equal((1, ""), Ask(registry));
    }

    [Fact]
    public async Task Look_RepositoryIsAway_SaysSoAndEverythingStays()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        Directory.Move(_fixture.Repository.Path, _fixture.Repository.Path + ".away");
        var e = await Assert.ThrowsAsync<PackageException>(() => registry.ReloadAsync(Token));
        Directory.Move(_fixture.Repository.Path + ".away", _fixture.Repository.Path);
        Assert.Contains("is missing", e.Message, StringComparison.Ordinal);
        Assert.Equal((1, ""), Ask(registry));
    }

    [Fact]
    public async Task Look_NamesThatAreNone_AreIgnored()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        foreach (var name in new[] { "toy/01", "toy/007", "toy/2x", "toy/+3", "toy/-4", "toy/1.0", "toy/99999999999999999999", "toy/.incoming-2-1", ".hidden/1", "a b/1", "..x/1" })
        {
            var target = Directory.CreateDirectory(_fixture.Repository.File(name)).FullName;
            foreach (var file in Directory.GetFiles(_fixture.Repository.File("toy/1")))
                File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        Assert.Empty(await registry.ReloadAsync(Token));
        Assert.Equal(["toy"], registry.Models.Keys);
    }

    [Fact]
    public async Task Look_NewModel_IsLoadedAndTheDefaultStays()
    {
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        _fixture.Publish(new TestModel { Name = "other" }, 5);
        Assert.Equal("5 Loaded", Describe(await registry.ReloadAsync(Token)));
        Assert.Equal("toy", registry.DefaultModel);
        Assert.Equal([5], Serving(registry, "other"));
    }
}
