using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

public sealed class RecommenderTests : IAsyncLifetime
{
    private static readonly TestModel Model = new()
    {
        Devices = ["tv", "phone"],
        Attributes = new Dictionary<string, IReadOnlyList<string>>
        {
            ["title"] = [.. Enumerable.Range(1, 20).Select(i => $"Title {i}")],
            ["category"] = [.. Enumerable.Range(1, 20).Select(i => i % 4 == 0 ? "news|sport" : i % 2 == 0 ? "sport" : "film")],
            ["language"] = [.. Enumerable.Range(1, 20).Select(i => i <= 10 ? "en" : "")],
        },
    };

    private readonly TemporaryDirectory _repository = new();
    private readonly EngineMetrics _metrics = new();
    private ModelRegistry _registry = null!;
    private Recommender _recommender = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Model.Publish(_repository.Path);
        _registry = new ModelRegistry(
            new RegistryOptions { Repository = _repository.Path }, new RunnerOptions(), new BatcherOptions(), _metrics, TimeProvider.System, NullLogger<ModelRegistry>.Instance);
        await _registry.LoadRepositoryAsync(Token);
        _recommender = new Recommender(_registry, new DegradationOptions(), TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _recommender.Dispose();
        await _registry.DisposeAsync();
        _metrics.Dispose();
        _repository.Dispose();
    }

    [Fact]
    public async Task Recommend_Greedy_ReturnsTheTopByDefinition()
    {
        var slate = await Recommend(new SlateRequest { History = ["i3", "i5"], Context = new Dictionary<string, string> { ["device"] = "phone" }, Sampling = Greedy });
        var expected = Model.ExpectedLogits([3, 5], device: 2);
        var best = Enumerable.Range(1, 20).Where(i => i is not (3 or 5)).OrderByDescending(i => expected[i]).Take(10);
        Assert.Equal(best.Select(TestModel.IdOf), slate.Items.Select(i => i.ItemId));
        Assert.Equal(slate.Items.Select(i => $"Title {i.ItemId[1..]}"), slate.Items.Select(i => i.Title));
        Assert.Equal(new ComputedBy("toy", 1), slate.ComputedBy);
    }

    [Fact]
    public async Task Recommend_DeadlinePassesWhileItIsComputed_IsNotDrawn()
    {
        var now = TimeProvider.System.GetUtcNow();
        var late = new Recommender(_registry, new DegradationOptions(), new FakeTimeProvider(now + TimeSpan.FromHours(2)));
        var deadline = now + TimeSpan.FromHours(1); // on the batcher's clock there is time
        await Assert.ThrowsAsync<DeadlineExceededException>(() => late.RecommendAsync(new SlateRequest { Deadline = deadline }, Token));
        await Assert.ThrowsAsync<DeadlineExceededException>(() => late.ScoreAsync(new ScoreRequest { Deadline = deadline, CandidateIds = ["i1"] }, Token));
        Assert.Equal(10, (await Recommend(new SlateRequest { Deadline = deadline })).Items.Count);
    }

    [Fact]
    public async Task Recommend_UnknownIds_AreSkippedAndTold()
    {
        var slate = await Recommend(new SlateRequest { History = ["i3", "zz", "i5", "aa", "zz"], ExcludeItemIds = ["qq"], Sampling = Greedy });
        Assert.Equal(["aa", "qq", "zz"], slate.UnknownItemIds);
        Assert.Equal(Model.ExpectedLogits([3, 5])[slate.Items[0].Slot.Item], slate.Items[0].Slot.Logit, 1e-4);
    }

    [Fact]
    public async Task Recommend_LongHistory_TheNewestAreRead()
    {
        string[] history = [.. Enumerable.Range(1, 15).Select(TestModel.IdOf)];
        var slate = await Recommend(new SlateRequest { History = history, SlateSize = 20, Sampling = Greedy });
        // The model reads 10, but all 15 count as watched.
        Assert.Equal(["i16", "i17", "i18", "i19", "i20"], slate.Items.Select(i => i.ItemId).Order(StringComparer.Ordinal));
        Assert.Equal(Model.ExpectedLogits([.. Enumerable.Range(6, 10)])[slate.Items[0].Slot.Item], slate.Items[0].Slot.Logit, 1e-4);
    }

    [Fact]
    public async Task Recommend_EmptyHistory_Answers()
    {
        var slate = await Recommend(new SlateRequest { Sampling = Greedy });
        Assert.Equal(Model.ExpectedLogits([])[slate.Items[0].Slot.Item], slate.Items[0].Slot.Logit, 1e-5);
    }

    [Fact]
    public async Task Recommend_UnknownContextValue_IsTheModelsUnknown()
    {
        var slate = await Recommend(new SlateRequest { Context = new Dictionary<string, string> { ["device"] = "toaster" }, Sampling = Greedy });
        Assert.Equal(Model.ExpectedLogits([], device: 0)[slate.Items[0].Slot.Item], slate.Items[0].Slot.Logit, 1e-5);
    }

    [Fact]
    public async Task Recommend_UnknownContextKey_NamesTheKnownOnes()
    {
        var e = await Assert.ThrowsAsync<InvalidRequestException>(
            () => Recommend(new SlateRequest { Context = new Dictionary<string, string> { ["colour"] = "red", ["device"] = "tv" } }));
        Assert.Equal("context[\"colour\"]", e.Field);
        Assert.Contains("device", e.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_Filters_HoldAndProbabilitiesAreOfTheEligible()
    {
        var request = new SlateRequest
        {
            History = ["i4"],
            SlateSize = 20,
            Sampling = new SamplingParameters { TopP = 1, Seed = 5 },
            ExcludeItemIds = ["i8"],
            Where = [new Condition("category", ["sport"], Negated: false), new Condition("language", ["en"], Negated: false), new Condition("category", ["film"], Negated: true)],
        };
        var slate = await Recommend(request);
        Assert.Equal(["i10", "i2", "i6"], slate.Items.Select(i => i.ItemId).Order(StringComparer.Ordinal));
        Assert.Equal(1, slate.Items.Sum(i => i.Slot.Probability), 1e-9);
        Assert.Equal(slate.Items[0].Slot.Probability, slate.Items[0].Slot.Propensity, 1e-12);
        Assert.Equal((3, 1.0), (slate.Nucleus.NucleusSize, Math.Round(slate.Nucleus.NucleusMass, 9)));
    }

    [Fact]
    public async Task Recommend_IncludeWatched_MayShowThemAgain()
    {
        string[] all = [.. Enumerable.Range(1, 20).Select(TestModel.IdOf)];
        Assert.Empty((await Recommend(new SlateRequest { History = all })).Items);
        Assert.Equal(10, (await Recommend(new SlateRequest { History = all, IncludeWatched = true })).Items.Count);
    }

    [Fact]
    public async Task Recommend_Candidates_OnlyTheyAreShown()
    {
        var slate = await Recommend(new SlateRequest { CandidateIds = ["i7", "i9", "nope"] });
        Assert.Equal(["i7", "i9"], slate.Items.Select(i => i.ItemId).Order(StringComparer.Ordinal));
        Assert.Equal(["nope"], slate.UnknownItemIds);
        Assert.Empty((await Recommend(new SlateRequest { CandidateIds = ["nope"] })).Items);
    }

    [Fact]
    public async Task Recommend_UnknownAttribute_NamesTheKnownOnes()
    {
        var e = await Assert.ThrowsAsync<InvalidRequestException>(() => Recommend(new SlateRequest { Where = [new Condition("colour", ["red"], false)] }));
        Assert.Equal("filter.where[0].attribute", e.Field);
        Assert.Contains("category, language", e.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_SameSeed_SameSlateAloneAndInABatch()
    {
        var request = new SlateRequest { History = ["i1"], Sampling = new SamplingParameters { TopP = 0.95, Seed = 42 } };
        var alone = (await Recommend(request)).Items.Select(i => i.ItemId).ToArray();
        var many = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Recommend(i % 2 == 0 ? request : request with { History = ["i2", "i3", "i4"] })));
        Assert.All(many.Where((_, i) => i % 2 == 0), slate => Assert.Equal(alone, slate.Items.Select(i => i.ItemId)));
        Assert.Contains(many, slate => slate.Timings.Row.BatchSize > 1);
    }

    [Fact]
    public async Task Score_Candidates_InTheOrderAsked()
    {
        var expected = Model.ExpectedLogits([3]);
        foreach (var normalise in new[] { false, true })
        {
            var scores = await _recommender.ScoreAsync(new ScoreRequest { History = ["i3"], CandidateIds = ["i9", "zz", "i2", "i9"], Normalise = normalise }, Token);
            Assert.Equal(["i9", "i2", "i9"], scores.Items.Select(s => s.ItemId));
            Assert.Equal(["zz"], scores.UnknownItemIds);
            Assert.Equal(expected[9], scores.Items[0].Logit, 1e-4);
            var logSumExp = Math.Log(expected.Sum(l => Math.Exp(l)));
            if (normalise)
                Assert.Equal(expected[2] - logSumExp, scores.Items[1].LogProbability!.Value, 1e-4);
            else
                Assert.Null(scores.Items[1].LogProbability);
        }
    }

    private static SamplingParameters Greedy => new() { Strategy = SamplingStrategy.Greedy };

    private Task<Slate> Recommend(SlateRequest request) => _recommender.RecommendAsync(request, Token);
}
