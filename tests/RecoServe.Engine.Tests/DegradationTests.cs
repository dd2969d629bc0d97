using Microsoft.Extensions.Logging.Abstractions;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

/// <summary>A slow model (a large catalogue, a row a batch) under a hundred requests at once.</summary>
public sealed class DegradationTests : IAsyncDisposable
{
    private static readonly TestModel Large = new()
    {
        Name = "large",
        ItemCount = 100_000,
        Dimension = 32,
        Devices = ["tv"],
        Attributes = new Dictionary<string, IReadOnlyList<string>> { ["category"] = [.. Enumerable.Range(1, 100_000).Select(i => i % 2 == 0 ? "sport" : "film")] },
    };

    private static readonly TestModel Small = new() { Name = "small", ItemCount = 50 };

    private readonly TemporaryDirectory _repository = new();
    private readonly EngineMetrics _metrics = new();
    private ModelRegistry? _registry;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _registry!.DisposeAsync();
        _metrics.Dispose();
        _repository.Dispose();
    }

    [Fact]
    public async Task Recommend_NothingIsAllowed_NothingIsLeftOut()
    {
        var slates = await RecommendManyAsync(new DegradationOptions(), new BatcherOptions());
        Assert.All(slates, s => Assert.Equal(Degradation.None, s.Degraded));
    }

    [Fact]
    public async Task Recommend_QueueGrows_IsDrawnFromFewerItems()
    {
        var slates = await RecommendManyAsync(new DegradationOptions { TopK = 30, Pressure = 0.01 }, new BatcherOptions());
        Assert.All(slates, s => Assert.Equal(s.Degraded == Degradation.TopK, s.Nucleus.NucleusSize <= 30));
        Assert.Contains(slates, s => s.Degraded == Degradation.TopK);
        Assert.Contains(slates, s => s.Degraded == Degradation.None);
    }

    [Fact]
    public async Task Recommend_CallerAskedForFewerItems_KeepsWhatItAsked()
    {
        var slates = await RecommendManyAsync(
            new DegradationOptions { TopK = 30, Pressure = 0.01 }, new BatcherOptions(), new SlateRequest { Model = new("large"), Sampling = new() { TopK = 20 } });
        Assert.All(slates, s => Assert.Equal((Degradation.None, 20), (s.Degraded, Math.Max(20, s.Nucleus.NucleusSize))));
    }

    [Fact]
    public async Task Recommend_QueueGrowsLong_SmallerModelAnswersWithWhatItKnows()
    {
        var request = new SlateRequest { Model = new("large"), History = ["i7", "i99999"], Context = new Dictionary<string, string> { ["device"] = "tv" } };
        var slates = await RecommendManyAsync(new DegradationOptions { Model = "small", Pressure = 0.01 }, new BatcherOptions(), request);
        Assert.All(slates, s => Assert.Equal(s.Degraded == Degradation.Model ? "small" : "large", s.ComputedBy.Model));
        var smaller = slates.Where(s => s.Degraded == Degradation.Model).ToArray();
        Assert.NotEmpty(smaller);
        Assert.All(smaller, s => Assert.Contains("i99999", s.UnknownItemIds));
    }

    /// <summary>A canary must not be rolled back for it.</summary>
    [Fact]
    public async Task Recommend_SmallerModelFails_IsCountedAsItsFailure()
    {
        await StartAsync(Small with { ItemCount = 100, PoisonAbove = 2 }, new BatcherOptions()); // the probe asks with the first two items
        using var recommender = new Recommender(_registry!, new DegradationOptions { Model = "small", Pressure = 0.01 }, TimeProvider.System);
        await Assert.ThrowsAsync<ModelRunException>(() => RecommendManyAsync(recommender, new SlateRequest { Model = new("large") }));
        Assert.Equal(0, _registry!.Models["large"][0].Statistics.Fail.Count);
        Assert.NotEqual(0, _registry.Models["small"][0].Statistics.Fail.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Recommend_SmallerModelCannotAnswer_IsNotAsked(bool namesVersion)
    {
        var request = namesVersion
            ? new SlateRequest { Model = new("large", Version: 1) }
            : new SlateRequest { Model = new("large"), Where = [new Condition("category", ["sport"], Negated: false)] };
        var slates = await RecommendManyAsync(new DegradationOptions { Model = "small", Pressure = 0.01 }, new BatcherOptions(), request);
        Assert.All(slates, s => Assert.Equal((Degradation.None, "large"), (s.Degraded, s.ComputedBy.Model)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Recommend_SmallerModelIsAPlainGraph_IsNotAsked(bool filters)
    {
        TestGraph.PublishSum(_repository.Path, "sum", 1);
        var request = new SlateRequest { Model = new("large"), Where = filters ? [new Condition("category", ["sport"], Negated: false)] : [] };
        var slates = await RecommendManyAsync(new DegradationOptions { Model = "sum", Pressure = 0.01 }, new BatcherOptions(), request);
        Assert.All(slates, s => Assert.Equal((Degradation.None, "large"), (s.Degraded, s.ComputedBy.Model)));
        Assert.Equal(0, _registry!.Models["sum"][0].Leases - 1); // the registry's own
    }

    [Fact]
    public async Task Recommend_WouldBeRefused_IsTheSlateOfNobodyWithExactPropensities()
    {
        var slates = await RecommendManyAsync(new DegradationOptions { Popularity = true }, new BatcherOptions { QueueCapacity = 1 });
        var popular = slates.Where(s => s.Degraded == Degradation.Popularity).ToArray();
        Assert.NotEmpty(popular);
        var logits = Large.ExpectedLogits([]);
        var normaliser = NucleusSampler.LogSumExp(logits);
        Assert.All(popular, s =>
        {
            Assert.Equal(0, s.Timings.Row.BatchSize);
            Assert.All(s.Items, i => Assert.Equal(Math.Exp(logits[int.Parse(i.ItemId[1..], null)] - normaliser), i.Slot.Probability, 1e-6));
        });
    }

    private async Task<Slate[]> RecommendManyAsync(DegradationOptions degradation, BatcherOptions batcher, SlateRequest? request = null)
    {
        await StartAsync(Small, batcher);
        using var recommender = new Recommender(_registry!, degradation, TimeProvider.System);
        return await RecommendManyAsync(recommender, request ?? new SlateRequest { Model = new("large") });
    }

    private async Task StartAsync(TestModel small, BatcherOptions batcher)
    {
        Large.Publish(_repository.Path);
        small.Publish(_repository.Path);
        _registry = new ModelRegistry(
            new RegistryOptions { Repository = _repository.Path, DefaultModel = "large" }, new RunnerOptions { MaxBatchSize = 1 }, batcher, _metrics,
            TimeProvider.System, NullLogger<ModelRegistry>.Instance);
        await _registry.LoadRepositoryAsync(Token);
    }

    /// <summary>Each of its own, or they would be computed together.</summary>
    private static Task<Slate[]> RecommendManyAsync(Recommender recommender, SlateRequest request) => Task.WhenAll(Enumerable.Range(1, 100).Select(i => Task.Run(
        () => recommender.RecommendAsync(request with { History = [TestModel.IdOf(i), .. request.History], IncludeWatched = true }, Token),
        Token)));
}
