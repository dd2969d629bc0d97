using RecoServe.Engine.Batching;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Engine.Traffic;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Traffic;

/// <summary>Real versions under real requests: bad canaries are rolled back, whatever is bad about them.</summary>
public sealed class TrafficWatchTests : IAsyncDisposable
{
    private const int Items = 2000;

    /// <summary>A verdict is acted on beside the requests: far more than it takes to reach one.</summary>
    private const int MostRequests = 50_000;

    private static readonly TestModel Good = new() { ItemCount = Items, Devices = ["tv"] };

    private readonly RegistryFixture _fixture = new();
    private readonly RecordedLog<ModelRegistry> _log = new();
    private ModelRegistry _registry = null!;
    private TrafficWatch? _watch;

    private static CancellationToken Token => RegistryFixture.Token;

    private bool IsRolledBack => _registry.Traffic.Of("toy").RolledBack.ContainsKey(2);

    public async ValueTask DisposeAsync()
    {
        await _watch!.DisposeAsync();
        await _fixture.DisposeAsync();
    }

    [Fact]
    public async Task Canary_GivesNaN_IsRolledBackAndStableAnswers()
    {
        var recommender = await StartAsync(Good with { FirstDeviceIsNaN = true });
        await AskUntilRolledBackAsync(recommender, "NaN or infinite");
        var slate = await recommender.RecommendAsync(new SlateRequest { Context = new Dictionary<string, string> { ["device"] = "tv" } }, Token);
        Assert.Equal(new ComputedBy("toy", 1, "stable"), slate.ComputedBy);
        await _log.WaitForAsync("RolledBack"); // written after the label has moved
        Assert.Contains("Model toy/2 is rolled back: ", Assert.Single(_log.Of("RolledBack")), StringComparison.Ordinal);
    }

    /// <summary>The rows of the matrix are those of other items, and the probe was recorded with it: only answers tell.</summary>
    [Theory]
    [InlineData(Items)]
    [InlineData(50)]
    public async Task Canary_ItemMatrixIsShuffledAndItsProbeToo_IsRolledBackForDrift(int items)
    {
        var good = Good with { ItemCount = items };
        var (matrix, biases) = (good.Matrix(), good.Biases());
        var recommender = await StartAsync(
            good with
            {
                Row = (item, column) => matrix[(((item * 77 % items) + 1) * good.Dimension) + column],
                Bias = item => biases[(item * 77 % items) + 1],
            },
            stable: good);
        await AskUntilRolledBackAsync(recommender, "too little in common");
        Assert.Equal(1, _registry.Traffic.Of("toy").HolderOf("stable"));
    }

    /// <summary>Forty items are far more popular than the others, and stay so: any two users are recommended some of them.</summary>
    [Fact]
    public async Task Canary_ItemMatrixIsShuffledAndPopularItemsStay_IsRolledBackForDrift()
    {
        var matrix = Array.ConvertAll(Good.Matrix(), x => 2 * x);
        var good = Good with { Row = (item, column) => matrix[(item * Good.Dimension) + column], Bias = item => item <= 40 ? 8 : 0 };
        var recommender = await StartAsync(good with { Row = (item, column) => matrix[(((item * 77 % Items) + 1) * good.Dimension) + column] }, stable: good);
        await AskUntilRolledBackAsync(recommender, "next to nothing of what the other version knows of the user");
        var compared = _watch!.ShadowOf(_registry.TryFindServing("toy", 2)!)!.Value;
        Assert.InRange(compared.Overlap, 0.1, 0.5);
        Assert.InRange(compared.Personal!.Value, -0.25, 0.25);
    }

    [Fact]
    public async Task Canary_NativeRunFails_IsRolledBackForErrors()
    {
        var recommender = await StartAsync(Good with { PoisonAbove = 2 }); // the probe asks with the first two items
        await AskUntilRolledBackAsync(recommender, "requests failed");
    }

    /// <summary>Fifty times as many items, in vectors eight times as wide.</summary>
    [Fact]
    public async Task Canary_IsSlow_IsRolledBackForLatency()
    {
        var recommender = await StartAsync(
            Good with { ItemCount = 50 * Items, Dimension = 32 }, options: new RollbackOptions { ComparePercent = 0, LatencySlack = TimeSpan.Zero });
        await AskUntilRolledBackAsync(recommender, "nine in ten");
    }

    /// <summary>All versions wait for one machine: with many callers the requests of both take as long.</summary>
    [Fact]
    public async Task Canary_IsSlowAndAllWaitForIt_IsRolledBackForLatency()
    {
        var recommender = await StartAsync(
            Good with { ItemCount = 50 * Items, Dimension = 32 }, options: new RollbackOptions { ComparePercent = 0, LatencySlack = TimeSpan.FromMilliseconds(1) });
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < MostRequests && !IsRolledBack;)
                await AskAsync(recommender, i);
        }));
        Assert.Contains("nine in ten", _registry.Traffic.Of("toy").RolledBack[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Canary_AsGoodAsStable_StaysAndIsCompared()
    {
        var recommender = await StartAsync(Good);
        for (var i = 0; i < 600; i++)
            await AskAsync(recommender, i);
        Assert.Equal(2, _registry.Traffic.Of("toy").HolderOf("canary"));
        var canary = _registry.TryFindServing("toy", 2)!;
        while (_watch!.ShadowOf(canary) is not { Compared: > 0 })
            await AskAsync(recommender, 1);
        var shadow = _watch.ShadowOf(canary)!.Value;
        Assert.Equal((1.0, 1.0, 0.0), (shadow.Overlap, shadow.RankCorrelation, shadow.ScoreDrift));
        Assert.True(shadow.Personal is null or 1, $"{shadow.Personal}"); // null as long as one was compared
    }

    /// <summary>Autoplay asks for one item: that the first of two good models is another says little.</summary>
    [Fact]
    public async Task Canary_SlatesOfOneAndAnotherFirst_StaysAndIsComparedByTen()
    {
        var recommender = await StartAsync(Good with { Bias = item => item == 2 ? 31 : item <= 10 ? 40 - item : 0 }, stable: Good with { Bias = item => item <= 10 ? 40 - item : 0 });
        var canary = _registry.TryFindServing("toy", 2)!;
        for (var i = 0; _watch!.ShadowOf(canary) is not { Compared: >= 100 }; i++)
            Assert.NotNull(await recommender.RecommendAsync(Request(i) with { SlateSize = 1 }, Token));
        Assert.Equal(2, _registry.Traffic.Of("toy").HolderOf("canary"));
        Assert.InRange(_watch.ShadowOf(canary)!.Value.Overlap, 0.9, 1);
    }

    /// <summary>The deadline cancels the call while the canary computes; no answer, and no error of the model, tells of it.</summary>
    [Fact]
    public async Task Canary_TakesLongerThanDeadlines_IsRolledBackForLatency()
    {
        var recommender = await StartAsync(Good, options: new RollbackOptions { ComparePercent = 0 });
        using var passed = new CancellationTokenSource();
        await passed.CancelAsync();
        for (var i = 0; i < MostRequests && !IsRolledBack; i++)
        {
            if (IsOfCanary(i))
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => recommender.RecommendAsync(Request(i) with { Deadline = DateTimeOffset.UnixEpoch }, passed.Token));
            else
                await recommender.RecommendAsync(Request(i), Token);
        }

        Assert.Contains("nine in ten requests took up to", _registry.Traffic.Of("toy").RolledBack[2], StringComparison.Ordinal);
    }

    /// <summary>It takes no requests, and others than the model answer them.</summary>
    [Fact]
    public async Task Canary_PopularityAnswersForIt_IsRolledBackForLatency()
    {
        await StartAsync(Good, options: new RollbackOptions { ComparePercent = 0 }, queueCapacity: 1);
        using var recommender = new Recommender(_registry, new DegradationOptions { Popularity = true }, TimeProvider.System, _watch);
        using var lease = _registry.Acquire(new ModelSelector("toy", 2));
        var held = await HoldAsync(lease);
        for (var i = 0; i < MostRequests && !IsRolledBack; i++)
            Assert.Equal(IsOfCanary(i) ? Degradation.Popularity : Degradation.None, (await recommender.RecommendAsync(Request(i), Token)).Degraded);
        Assert.Contains("nine in ten requests took up to", _registry.Traffic.Of("toy").RolledBack[2], StringComparison.Ordinal);
        held.ForEach(h => h.Dispose());
    }

    [Fact]
    public async Task Shadow_GetsItsShareAndAnswersNobody()
    {
        var recommender = await StartAsync(Good with { Bias = _ => 0 }, canaryPercent: 0);
        _registry.Traffic.Set("toy", t => t with { ShadowVersion = 2, ShadowPercent = 50 });
        var shadow = _registry.TryFindServing("toy", 2)!;
        for (var i = 0; i < 400; i++)
        {
            var slate = await recommender.RecommendAsync(new SlateRequest { History = [TestModel.IdOf((i % 100) + 1)] }, Token);
            Assert.Equal(new ComputedBy("toy", 1, "stable"), slate.ComputedBy);
        }

        ShadowSummary summary;
        while ((summary = _watch!.ShadowOf(shadow)!.Value).Compared + summary.Dropped < 195)
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token);
        Assert.InRange(summary.Compared + summary.Dropped, 195, 205);
        for (var i = 0; (summary = _watch.ShadowOf(shadow)!.Value).Compared < 20; i++) // on a busy machine all were dropped
            await recommender.RecommendAsync(new SlateRequest { History = [TestModel.IdOf((i % 100) + 1)] }, Token);
        Assert.Equal(0, summary.Failed);
        Assert.InRange(summary.Overlap, 0.0001, 0.9);
        Assert.True(summary.ScoreDrift > 0);
    }

    /// <summary>The shadow gives NaN for everything: it is counted, and nobody else hears of it.</summary>
    [Fact]
    public async Task Shadow_Fails_TheAnswerStands()
    {
        var recommender = await StartAsync(Good with { FirstDeviceIsNaN = true }, canaryPercent: 0);
        _registry.Traffic.Set("toy", t => t with { ShadowVersion = 2, ShadowPercent = 100 });
        for (var i = 0; i < 20; i++)
            Assert.Equal(1, (await AskAsync(recommender, i))!.ComputedBy.Version);
        var shadow = _registry.TryFindServing("toy", 2)!;
        while (_watch!.ShadowOf(shadow) is not { Failed: > 0 })
            await AskAsync(recommender, 1);
        Assert.Equal(0, _watch.ShadowOf(shadow)!.Value.Compared);
    }

    /// <summary>The shadow's only runner is busy for good: copies are dropped, answers come.</summary>
    [Fact]
    public async Task Shadow_IsBusy_CopiesAreDroppedAndNothingWaits()
    {
        var recommender = await StartAsync(Good, canaryPercent: 0);
        _registry.Traffic.Set("toy", t => t with { ShadowVersion = 2, ShadowPercent = 100 });
        using var lease = _registry.Acquire(new ModelSelector("toy", 2));
        var held = await HoldAsync(lease);
        for (var i = 0; i < 100; i++)
            Assert.Equal(1, (await AskAsync(recommender, i))!.ComputedBy.Version);
        while (_watch!.ShadowOf(lease.Version) is not { Dropped: > 0 })
            await AskAsync(recommender, 1);
        held.ForEach(h => h.Dispose());
    }

    /// <summary>Asks until no output block is left, and a row waits for one.</summary>
    private static async Task<List<IDisposable>> HoldAsync(ModelLease lease)
    {
        var held = new List<IDisposable>();
        while (lease.Batcher.QueueLength == 0 && held.Count < 10)
        {
            var row = lease.Batcher.RunAsync(new(new(new[] { held.Count + 1 }, new int[1]), WantsLogits: true, DateTimeOffset.MaxValue), Token);
            if (await Task.WhenAny(row, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Token)) != row)
                break;
            held.Add(await row);
        }

        return held;
    }

    private static SlateRequest Request(int i) => new()
    {
        TrafficKey = $"user{i}",
        History = [TestModel.IdOf((i % 50) + 3)],
        Context = new Dictionary<string, string> { ["device"] = "tv" },
    };

    private static async Task<Slate?> AskAsync(Recommender recommender, int i)
    {
        try
        {
            return await recommender.RecommendAsync(Request(i), Token);
        }
        catch (Exception e) when (e is InvalidLogitsException or ModelRunException)
        {
            return null;
        }
    }

    private bool IsOfCanary(int i) => _registry.Traffic.Choose("toy", new ModelSelector("toy"), _registry.Traffic.Of("toy"), Request(i).TrafficKey).Version == 2;

    private async Task<Recommender> StartAsync(
        TestModel canary, double canaryPercent = 50, RollbackOptions? options = null, TestModel? stable = null, int queueCapacity = 1024)
    {
        _fixture.Publish(stable ?? Good, 1);
        _fixture.Publish(canary, 2);
        _registry = _fixture.Create(o => o.DefaultModel = "toy", _log, new BatcherOptions { QueueCapacity = queueCapacity });
        await _registry.LoadAsync("toy", 1, Token);
        await _registry.LoadAsync("toy", 2, Token);
        _registry.Traffic.SetLabel("toy", "stable", 1);
        if (canaryPercent > 0)
            _registry.Traffic.SetLabel("toy", "canary", 2);
        _registry.Traffic.Set("toy", t => t with { CanaryPercent = canaryPercent });
        // Copies are dropped while anybody waits: in a test, one caller waits at a time.
        options ??= new RollbackOptions { ComparePercent = 100, LatencySlack = TimeSpan.FromMinutes(1) };
        _watch = new TrafficWatch(_registry, options, TimeProvider.System, new RecordedLog<TrafficWatch>());
        return new Recommender(_registry, new DegradationOptions(), TimeProvider.System, _watch);
    }

    private async Task AskUntilRolledBackAsync(Recommender recommender, string reason)
    {
        for (var i = 0; i < MostRequests && !IsRolledBack; i++)
            await AskAsync(recommender, i);
        Assert.Contains(reason, _registry.Traffic.Of("toy").RolledBack[2], StringComparison.Ordinal);
        Assert.Null(_registry.Traffic.Of("toy").HolderOf("canary"));
    }
}
