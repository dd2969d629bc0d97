using Microsoft.Extensions.Logging.Abstractions;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Registry;

public sealed class ModelRegistryTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _repository = new();
    private readonly EngineMetrics _metrics = new();
    private readonly List<ModelRegistry> _registries = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var registry in _registries)
            await registry.DisposeAsync();
        _metrics.Dispose();
        _repository.Dispose();
    }

    [Fact]
    public async Task LoadRepository_SeveralModels_ServesTheNewestOfEach()
    {
        Publish(new TestModel { Name = "a" }, 1, 2, 10);
        Publish(new TestModel { Name = "b" }, 3);
        Directory.CreateDirectory(_repository.File("a/not-a-version"));
        Directory.CreateDirectory(_repository.File("no-versions"));
        var registry = Registry();
        await registry.LoadRepositoryAsync(Token);
        Assert.True(registry.IsReady);
        Assert.Equal([("a", 10L), ("b", 3L)], registry.Models.Values.SelectMany(v => v).Select(v => (v.Name, v.Version)));
        using var lease = registry.Acquire(new ModelSelector("a"));
        Assert.Equal(10, lease.Version.Version);
        Assert.Throws<ModelNotFoundException>(() => registry.Acquire(new ModelSelector("")));
    }

    [Fact]
    public async Task LoadRepository_NewestIsHalfWritten_ServesTheOneBefore()
    {
        Publish(new TestModel(), 1, 2);
        File.Delete(_repository.File("toy/2/manifest.json"));
        var registry = Registry();
        await registry.LoadRepositoryAsync(Token);
        using var lease = registry.Acquire(new ModelSelector(""));
        Assert.Equal(1, lease.Version.Version);
    }

    [Fact]
    public async Task LoadRepository_OnlyVersionIsHalfWritten_NamesTheManifest()
    {
        Publish(new TestModel(), 1);
        File.Delete(_repository.File("toy/1/manifest.json"));
        await AssertFatal("manifest.json is missing");
    }

    [Fact]
    public async Task LoadRepository_NothingOfTheDefaultModelIsComplete_NamesTheManifest()
    {
        Publish(new TestModel { Name = "other" }, 1);
        Directory.CreateDirectory(_repository.File("toy/1"));
        var registry = Registry(new RegistryOptions { Repository = _repository.Path, DefaultModel = "toy" });
        var e = await Assert.ThrowsAsync<AggregateException>(() => registry.LoadRepositoryAsync(Token));
        Assert.Contains("toy/1/manifest.json is missing, and no other version of the model is complete", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadRepository_NoModels_SaysWhatIsExpected() => await AssertFatal("holds no model: expected <name>/<version>/manifest.json");

    [Fact]
    public async Task LoadRepository_NoDirectory_SaysWhatIsExpected()
    {
        var registry = Registry(new RegistryOptions { Repository = _repository.File("absent") });
        var e = await Assert.ThrowsAsync<AggregateException>(() => registry.LoadRepositoryAsync(Token));
        Assert.Contains("absent is missing", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadRepository_UnknownDefaultModel_IsFatal()
    {
        Publish(new TestModel(), 1);
        var registry = Registry(new RegistryOptions { Repository = _repository.Path, DefaultModel = "other" });
        var e = await Assert.ThrowsAsync<AggregateException>(() => registry.LoadRepositoryAsync(Token));
        Assert.Contains("has no model \"other\"", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_SecondModel_TheFirstStaysTheDefault()
    {
        Publish(new TestModel(), 1);
        var registry = Registry();
        await registry.LoadRepositoryAsync(Token);
        Publish(new TestModel { Name = "another" }, 1);
        await registry.LoadAsync("another", 1, Token);
        Assert.Equal("toy", registry.DefaultModel);
        using var lease = registry.Acquire(new ModelSelector(""));
        Assert.Equal("toy", lease.Version.Name);
    }

    [Fact]
    public async Task LoadRepository_TwoBadModels_TellsBoth()
    {
        Publish(new TestModel { Name = "a" }, 1);
        Publish(new TestModel { Name = "b" }, 1);
        PackageFixes.Corrupt(_repository.File("a/1/scorer.onnx"));
        PackageFixes.Truncate(_repository.File("b/1/encoder.onnx"));
        var e = await Assert.ThrowsAsync<AggregateException>(() => Registry().LoadRepositoryAsync(Token));
        Assert.Equal(2, e.InnerExceptions.Count);
        Assert.Contains("a/1/scorer.onnx is damaged", e.Message, StringComparison.Ordinal);
        Assert.Contains("b/1/encoder.onnx has", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadRepository_GraphIsGarbage_NamesTheFile()
    {
        Publish(new TestModel(), 1);
        File.WriteAllText(_repository.File("toy/1/encoder.onnx"), "not a graph");
        PackageFixes.RewriteManifest(_repository.File("toy/1"));
        await AssertFatal("toy/1/encoder.onnx is refused by ONNX Runtime: Protobuf parsing failed.");
    }

    [Fact]
    public async Task LoadRepository_GraphIsOfTheFuture_SaysSoWithoutPlacesInOthersSource()
    {
        Publish(new TestModel(), 1);
        TestModel.SetOpset(_repository.File("toy/1/encoder.onnx"), 99);
        PackageFixes.RewriteManifest(_repository.File("toy/1"));
        await AssertFatal("toy/1/encoder.onnx is refused by ONNX Runtime: ONNX Runtime only *guarantees* support");
    }

    [Fact]
    public async Task LoadRepository_AnswersOtherThanRecorded_IsRefused()
    {
        var model = new TestModel
        {
            Probe = probe => probe with { Cases = [probe.Cases[0], probe.Cases[1] with { Answers = [new ProbeAnswer("i1", 0.123f)] }] },
        };
        Publish(model, 1);
        await AssertFatal("probe.json is not answered as recorded: case 2, item \"i1\"");
    }

    [Fact]
    public async Task LoadRepository_ItemMatrixShuffled_IsRefused()
    {
        Publish(new TestModel(), 1);
        var path = _repository.File("toy/1/item_matrix.f32");
        var bytes = File.ReadAllBytes(path);
        // Rows 7 and 8 change places; items 1 and 2 of the probe are untouched: only the log-sum-exp tells.
        (byte[] seventh, byte[] eighth) = (bytes[112..128], bytes[128..144]);
        eighth.CopyTo(bytes, 112);
        seventh.CopyTo(bytes, 128);
        File.WriteAllBytes(path, bytes);
        PackageFixes.RewriteManifest(_repository.File("toy/1"));
        await AssertFatal("is not answered as recorded");
    }

    [Fact]
    public async Task LoadRepository_ItemMatrixHoldsNaN_NamesTheProbe()
    {
        PackageFixes.PutNaN(new TestModel().Publish(_repository.Path), item: 7);
        await AssertFatal("toy/1/probe.json is not answered as recorded: case 1, the logit of item 7 is NaN");
    }

    [Fact]
    public async Task LoadRepository_ProbeHasAnUnknownContextKey_NamesTheProbe()
    {
        var context = new Dictionary<string, string> { ["device"] = "tv" };
        Publish(new TestModel { Probe = probe => probe with { Cases = [probe.Cases[0] with { Context = context }] } }, 1);
        await AssertFatal("toy/1/probe.json is not answered as recorded: case 1, context[\"device\"]: the model has no such context");
    }

    [Fact]
    public async Task LoadRepository_NativeRunFailsInWarmUp_NamesTheDirectory()
    {
        Publish(new TestModel { PoisonAbove = 0 }, 1);
        await AssertFatal("toy/1 cannot be loaded: ");
    }

    [Fact]
    public async Task LoadRepository_DirectoryRenamed_IsRefused()
    {
        Publish(new TestModel(), 1);
        Directory.Move(_repository.File("toy/1"), _repository.File("toy/5"));
        await AssertFatal("is of model \"toy\" version 1, its directory says \"toy\" version 5");
    }

    [Fact]
    public async Task Load_BadVersion_LeavesTheGoodOneServing()
    {
        Publish(new TestModel(), 1, 2);
        PackageFixes.Corrupt(_repository.File("toy/2/scorer.onnx"));
        var registry = Registry();
        await registry.LoadAsync("toy", 1, Token);
        await Assert.ThrowsAsync<PackageException>(() => registry.LoadAsync("toy", 2, Token));
        Assert.Equal([VersionState.Failed, VersionState.Serving], registry.Models["toy"].Select(v => v.State));
        Assert.Contains("scorer.onnx is damaged", registry.Models["toy"][0].Failure, StringComparison.Ordinal);
        using var lease = registry.Acquire(new ModelSelector("toy"));
        Assert.Equal(1, lease.Version.Version);
    }

    [Fact]
    public async Task Load_FailedVersionMended_CanBeLoadedAgain()
    {
        Publish(new TestModel(), 1);
        var path = _repository.File("toy/1/scorer.onnx");
        var good = File.ReadAllBytes(path);
        PackageFixes.Corrupt(path);
        var registry = Registry();
        await Assert.ThrowsAsync<PackageException>(() => registry.LoadAsync("toy", 1, Token));
        File.WriteAllBytes(path, good);
        Assert.Equal(VersionState.Serving, (await registry.LoadAsync("toy", 1, Token)).State);
    }

    [Fact]
    public async Task Load_CallerGoesAwayOnceItHasBegun_LoadsAllTheSame()
    {
        Publish(new TestModel(), 1);
        var registry = Registry();
        using var caller = new CancellationTokenSource();
        registry.Changed += v =>
        {
            if (v.State == VersionState.Loading)
                caller.Cancel();
        };
        Assert.Equal(VersionState.Serving, (await registry.LoadAsync("toy", 1, caller.Token)).State);
    }

    [Theory]
    [InlineData("../toy", 1)]
    [InlineData("toy/../toy", 1)]
    [InlineData("", 1)]
    [InlineData(".", 1)]
    [InlineData("toy", 0)]
    [InlineData("toy", -1)]
    [InlineData("toy", 9)]
    [InlineData("nothing", 1)]
    public async Task Load_NotInTheRepository_IsNotFound(string name, long version)
    {
        Publish(new TestModel(), 1);
        await Assert.ThrowsAsync<ModelNotFoundException>(() => Registry().LoadAsync(name, version, Token));
    }

    [Fact]
    public async Task LoadAsync_WaitsWhileTheRegistryEnds_IsToldSo()
    {
        Publish(new TestModel(), 1, 2);
        var registry = Registry();
        await registry.LoadAsync("toy", 2, Token);
        var lease = registry.Acquire(new ModelSelector("toy"));
        _registries.Remove(registry);
        var ending = registry.DisposeAsync().AsTask();
        Assert.False(ending.IsCompleted);
        var loading = registry.LoadAsync("toy", 1, Token);
        var unloading = registry.UnloadAsync("toy", 2);
        lease.Dispose();
        await ending;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => loading.WaitAsync(TimeSpan.FromSeconds(30), Token));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => unloading.WaitAsync(TimeSpan.FromSeconds(30), Token));
    }

    [Fact]
    public async Task Acquire_BySelector_TakesTheRightVersion()
    {
        Publish(new TestModel(), 1, 2);
        var registry = Registry();
        await registry.LoadAsync("toy", 2, Token);
        await registry.LoadAsync("toy", 1, Token);
        foreach (var (selector, version) in new[] { (new ModelSelector("toy"), 2), (new ModelSelector("toy", 1), 1), (new ModelSelector("toy", 2), 2) })
        {
            using var lease = registry.Acquire(selector);
            Assert.Equal(version, lease.Version.Version);
        }

        Assert.Throws<ModelNotFoundException>(() => registry.Acquire(new ModelSelector("toy", 3)));
        Assert.Throws<ModelNotFoundException>(() => registry.Acquire(new ModelSelector("toys")));
        Assert.Throws<ModelNotFoundException>(() => registry.Acquire(new ModelSelector("toy", null, "stable")));
    }

    [Fact]
    public async Task Unload_LeaseIsHeld_WaitsForIt()
    {
        Publish(new TestModel(), 1);
        var registry = Registry();
        await registry.LoadAsync("toy", 1, Token);
        var lease = registry.Acquire(new ModelSelector("toy"));
        var unloading = registry.UnloadAsync("toy", 1);
        while (lease.Version.State != VersionState.Draining)
            await Task.Yield();
        Assert.Throws<ModelNotFoundException>(() => registry.Acquire(new ModelSelector("toy")));
        // The model still computes for whoever holds it.
        using (var row = await lease.Batcher.RunAsync(new RowRequest<EncoderInput>(new EncoderInput(new[] { 1 }, default), WantsLogits: true, DateTimeOffset.MaxValue), Token))
            Assert.Equal(new TestModel().ExpectedLogits([1])[1], row.Logits[1], 1e-4);
        Assert.False(unloading.IsCompleted);
        lease.Dispose();
        lease.Dispose();
        Assert.Equal(VersionState.Unloaded, (await unloading).State);
        await Assert.ThrowsAsync<ModelNotFoundException>(() => registry.UnloadAsync("toy", 1));
        Assert.False(registry.IsReady);
    }

    /// <summary>Versions that have ended are shown for long: their catalogues must not stay with them.</summary>
    [Fact]
    public async Task Package_VersionHasEnded_IsLetGo()
    {
        Publish(new TestModel(), 1);
        Publish(new TestModel { Probe = probe => probe with { Cases = [probe.Cases[1] with { Answers = [new ProbeAnswer("i1", 0.123f)] }] } }, 2);
        var registry = Registry();
        var unloaded = await registry.LoadAsync("toy", 1, Token);
        Assert.NotNull(unloaded.Package);
        await registry.UnloadAsync("toy", 1);
        Assert.Null(unloaded.Package);
        ModelPackage? read = null;
        registry.Changed += v => read ??= v.State == VersionState.Warming ? v.Package : null;
        await Assert.ThrowsAsync<PackageException>(() => registry.LoadAsync("toy", 2, Token));
        Assert.NotNull(read);
        Assert.Equal((VersionState.Failed, null), (registry.Models["toy"][0].State, registry.Models["toy"][0].Package));
    }

    [Fact]
    public async Task Unload_LeaseIsNeverGivenBack_OtherVersionsStillLoad()
    {
        Publish(new TestModel(), 1, 2);
        var registry = Registry();
        await registry.LoadAsync("toy", 1, Token);
        using var lease = registry.Acquire(new ModelSelector("toy"));
        var unloading = registry.UnloadAsync("toy", 1);
        await registry.LoadAsync("toy", 2, Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.False(unloading.IsCompleted);
        lease.Dispose();
        await unloading;
    }

    /// <summary>Leases taken and given back on all threads while the version is drained: zero must be final.</summary>
    [Fact]
    public async Task Lease_RacesWithUnload_MemoryIsFreedOnlyAfterTheLast()
    {
        Publish(new TestModel(), 1);
        var registry = Registry();
        for (var round = 0; round < 30; round++)
        {
            var version = await registry.LoadAsync("toy", 1, Token);
            using var go = new ManualResetEventSlim();
            var users = Enumerable.Range(0, 4).Select(_ => Task.Run(
                () =>
                {
                    go.Wait(Token);
                    var leases = 0;
                    while (version.TryAcquire(out var lease))
                    {
                        // Reads the memory that unloading frees: a use after free throws or crashes.
                        Assert.True(float.IsFinite(lease.Matrix.Logit([1, 1, 1, 1], 1)));
                        lease.Dispose();
                        leases++;
                    }

                    return leases;
                },
                Token)).ToArray();
            go.Set();
            await registry.UnloadAsync("toy", 1);
            await Task.WhenAll(users);
            Assert.Equal(VersionState.Unloaded, version.State);
        }
    }

    /// <summary>The issue's own case: two versions, requests in flight, the older one unloaded — none fails.</summary>
    [Fact]
    public async Task Unload_OlderVersionUnderLoad_NoRequestFails()
    {
        Publish(new TestModel { Seed = 1 }, 1);
        Publish(new TestModel { Seed = 2 }, 2);
        var registry = Registry();
        await registry.LoadAsync("toy", 1, Token);
        var recommender = new Recommender(registry, new DegradationOptions(), TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var answers = new System.Collections.Concurrent.ConcurrentDictionary<long, int>();
        var callers = Enumerable.Range(0, 16).Select(c => Task.Run(
            async () =>
            {
                for (var i = 0; !stop.IsCancellationRequested; i++)
                {
                    var request = new SlateRequest { Model = new ModelSelector("toy"), History = [TestModel.IdOf(1 + ((c + i) % 20))], SlateSize = 5 };
                    var slate = await recommender.RecommendAsync(request, Token);
                    AssertComputedBy(slate, request);
                    answers.AddOrUpdate(slate.ComputedBy.Version, 1, (_, n) => n + 1);
                }
            },
            Token)).ToArray();
        await Reach(answers, 1, 200);
        for (var swap = 0; swap < 20; swap++)
        {
            var (next, old) = swap % 2 == 0 ? (2, 1) : (1, 2);
            await registry.LoadAsync("toy", next, Token);
            await registry.UnloadAsync("toy", old);
            await Reach(answers, next, answers.GetValueOrDefault(next) + 50);
        }

        await stop.CancelAsync();
        await Task.WhenAll(callers);
    }

    [Fact]
    public async Task Changed_LoadAndUnload_TellsEveryStateInOrder()
    {
        Publish(new TestModel(), 1);
        var registry = Registry();
        var states = new List<VersionState>();
        registry.Changed += v => states.Add(v.State);
        await registry.LoadAsync("toy", 1, Token);
        await registry.UnloadAsync("toy", 1);
        Assert.Equal([VersionState.Loading, VersionState.Warming, VersionState.Serving, VersionState.Draining, VersionState.Unloaded], states);
    }

    private static async Task Reach(System.Collections.Concurrent.ConcurrentDictionary<long, int> answers, long version, int count)
    {
        while (answers.GetValueOrDefault(version) < count)
        {
            Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>The logits must be those of the version that the answer names.</summary>
    private static void AssertComputedBy(Slate slate, SlateRequest request)
    {
        var watched = int.Parse(request.History[0][1..], System.Globalization.CultureInfo.InvariantCulture);
        var expected = Expected.GetOrAdd((slate.ComputedBy.Version, watched), key => new TestModel { Seed = (int)key.Version }.ExpectedLogits([key.Item]));
        foreach (var item in slate.Items)
            Assert.Equal(expected[item.Slot.Item], item.Slot.Logit, 1e-4);
    }

    private static readonly System.Collections.Concurrent.ConcurrentDictionary<(long Version, int Item), float[]> Expected = [];

    private void Publish(TestModel model, params long[] versions)
    {
        foreach (var version in versions)
            model.Publish(_repository.Path, version);
    }

    private async Task AssertFatal(string problem)
    {
        var e = await Assert.ThrowsAsync<AggregateException>(() => Registry().LoadRepositoryAsync(Token));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.All(e.InnerExceptions, i => Assert.IsType<PackageException>(i));
    }

    private ModelRegistry Registry(RegistryOptions? options = null)
    {
        var registry = new ModelRegistry(
            options ?? new RegistryOptions { Repository = _repository.Path }, new RunnerOptions(), new BatcherOptions(), _metrics, TimeProvider.System, NullLogger<ModelRegistry>.Instance);
        _registries.Add(registry);
        return registry;
    }
}
