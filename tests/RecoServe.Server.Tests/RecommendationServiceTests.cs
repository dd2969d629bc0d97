using Google.Rpc;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;
using Condition = RecoServe.Contracts.V1.Condition;

namespace RecoServe.Server.Tests;

public sealed class RecommendationServiceTests : IAsyncLifetime
{
    private static readonly TestModel Model = new()
    {
        Devices = ["tv", "phone"],
        Attributes = new Dictionary<string, IReadOnlyList<string>>
        {
            ["title"] = [.. Enumerable.Range(1, 20).Select(i => $"Title {i}")],
            ["category"] = [.. Enumerable.Range(1, 20).Select(i => i % 2 == 0 ? "sport" : "film")],
        },
    };

    private RunningServer _server = null!;
    private RecommendationService.RecommendationServiceClient _client = null!;

    /// <summary>Field that must be named, and a change that makes a good request bad.</summary>
    public static TheoryData<string, Action<RecommendRequest>> BadRequests => new()
    {
        { "slate_size", r => r.SlateSize = 0 },
        { "slate_size", r => r.SlateSize = 501 },
        { "slate_size", r => r.SlateSize = -1 },
        { "sampling.top_p", r => r.Sampling.TopP = 0 },
        { "sampling.top_p", r => r.Sampling.TopP = 2 },
        { "sampling.top_p", r => r.Sampling.TopP = double.NaN },
        { "sampling.top_p", r => r.Sampling.TopP = -0.1 },
        { "sampling.temperature", r => r.Sampling.Temperature = 0 },
        { "sampling.temperature", r => r.Sampling.Temperature = 1e-310 },
        { "sampling.temperature", r => r.Sampling.Temperature = -1 },
        { "sampling.temperature", r => r.Sampling.Temperature = double.NaN },
        { "sampling.temperature", r => r.Sampling.Temperature = double.PositiveInfinity },
        { "sampling.top_k", r => r.Sampling.TopK = uint.MaxValue },
        { "sampling.strategy", r => r.Sampling.Strategy = (SamplingStrategy)9 },
        { "priority", r => r.Priority = (Priority)7 },
        { "history[1].item_id", r => r.History.Add(new Watch()) },
        { "history[1].watch_fraction", r => r.History.Add(new Watch { ItemId = "i2", WatchFraction = double.NaN }) },
        { "history[1].watch_fraction", r => r.History.Add(new Watch { ItemId = "i2", WatchFraction = -1 }) },
        { "history[1].watched_at", r => r.History.Add(new Watch { ItemId = "i2", WatchedAt = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = long.MaxValue } }) },
        { "context[\"colour\"]", r => r.Context.Add("colour", "red") },
        { "model.version", r => r.Model = new ModelSpec { Version = 0 } },
        { "model.label", r => r.Model = new ModelSpec { Label = "" } },
        { "filter.exclude_item_ids[0]", r => r.Filter = new Filter { ExcludeItemIds = { "" } } },
        { "filter.candidate_ids[0]", r => r.Filter = new Filter { CandidateIds = { "" } } },
        { "filter.where[0].attribute", r => r.Filter = new Filter { Where = { new Condition { Operator = ComparisonOperator.In, Values = { "x" } } } } },
        { "filter.where[0].attribute", r => r.Filter = new Filter { Where = { new Condition { Attribute = "colour", Operator = ComparisonOperator.In, Values = { "x" } } } } },
        { "filter.where[0].operator", r => r.Filter = new Filter { Where = { new Condition { Attribute = "category", Values = { "x" } } } } },
        { "filter.where[0].values", r => r.Filter = new Filter { Where = { new Condition { Attribute = "category", Operator = ComparisonOperator.In } } } },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(r => Model.Publish(r));
        _client = new RecommendationService.RecommendationServiceClient(_server.Channel);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Recommend_GoodRequest_AnswersWholeContract()
    {
        var request = Request();
        request.RequestId = "r-1";
        request.IncludeTimings = true;
        var answer = await _client.RecommendAsync(request, cancellationToken: Token);
        Assert.Equal(("r-1", "toy", 1L, ""), (answer.RequestId, answer.ModelName, answer.ModelVersion, answer.ModelLabel));
        Assert.Equal(32, answer.RecommendationId.Length);
        Assert.Equal(Enumerable.Range(1, 10), answer.Items.Select(i => i.Rank));
        Assert.All(answer.Items, i =>
        {
            Assert.Equal($"Title {i.ItemId[1..]}", i.Title);
            Assert.InRange(i.Propensity, double.Epsilon, 1);
            Assert.InRange(i.Probability, double.Epsilon, 1);
        });
        Assert.True(answer.Nucleus.Mass >= 0.9);
        Assert.True(answer.Timings.BatchSize >= 1 && answer.Timings.BatchUs > 0);
        Assert.False(answer.Degraded.Flag);
    }

    [Fact]
    public async Task Recommend_SameRequestId_SameSeedSameSlate()
    {
        var request = Request();
        request.RequestId = "again";
        var first = await _client.RecommendAsync(request, cancellationToken: Token);
        var second = await _client.RecommendAsync(request, cancellationToken: Token);
        Assert.Equal(first.Seed, second.Seed);
        Assert.Equal(first.Items, second.Items);
        Assert.NotEqual(first.RecommendationId, second.RecommendationId);
        request.RequestId = "";
        request.Sampling.Seed = first.Seed;
        Assert.Equal(first.Items, (await _client.RecommendAsync(request, cancellationToken: Token)).Items);
    }

    [Fact]
    public async Task Recommend_NoNames_DrawsAnewAndTellsTheSeed()
    {
        var seeds = new HashSet<ulong>();
        for (var i = 0; i < 5; i++)
            seeds.Add((await _client.RecommendAsync(Request(), cancellationToken: Token)).Seed);
        Assert.Equal(5, seeds.Count);
    }

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task Recommend_BadField_IsInvalidArgumentAndNamesIt(string field, Action<RecommendRequest> spoil)
    {
        var request = Request();
        spoil(request);
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.RecommendAsync(request, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        var violation = Assert.Single(e.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations);
        Assert.Equal(field, violation.Field);
        Assert.NotEmpty(violation.Description);
    }

    [Fact]
    public async Task Recommend_SmallestAndLargest_AreAccepted()
    {
        foreach (var (size, p) in new[] { (1, 1e-300), (500, 1.0) })
        {
            var request = Request();
            (request.SlateSize, request.Sampling.TopP) = (size, p);
            var answer = await _client.RecommendAsync(request, cancellationToken: Token);
            Assert.Equal(Math.Min(size, 19), answer.Items.Count);
        }
    }

    [Theory]
    [InlineData("nothing", null, null)]
    [InlineData("toy", 9L, null)]
    [InlineData("toy", null, "canary")]
    [InlineData("../toy", null, null)]
    public async Task Recommend_UnknownModel_IsNotFound(string name, long? version, string? label)
    {
        var request = Request();
        request.Model = new ModelSpec { Name = name };
        if (version is { } v)
            request.Model.Version = v;
        if (label is not null)
            request.Model.Label = label;
        await AssertStatus(StatusCode.NotFound, request);
    }

    [Fact]
    public async Task Recommend_UnknownItems_AreTold()
    {
        var request = Request();
        request.History.Add(new Watch { ItemId = "never-heard-of" });
        Assert.Equal(["never-heard-of"], (await _client.RecommendAsync(request, cancellationToken: Token)).UnknownItemIds);
    }

    [Fact]
    public async Task Recommend_EmptyRequest_Answers() =>
        Assert.Equal(10, (await _client.RecommendAsync(new RecommendRequest(), cancellationToken: Token)).Items.Count);

    [Fact]
    public async Task Recommend_NothingEligible_IsAnEmptySlate()
    {
        var request = Request();
        request.Filter = new Filter { Where = { new Condition { Attribute = "category", Operator = ComparisonOperator.In, Values = { "opera" } } } };
        Assert.Empty((await _client.RecommendAsync(request, cancellationToken: Token)).Items);
    }

    [Fact]
    public async Task Recommend_TenMegabytes_IsRefusedAndTheConnectionLives()
    {
        var request = Request();
        request.UserId = new string('x', 10 << 20);
        await AssertStatus(StatusCode.ResourceExhausted, request);
        Assert.Equal(10, (await _client.RecommendAsync(Request(), cancellationToken: Token)).Items.Count);
    }

    [Fact]
    public async Task Recommend_WhatLaterWorkBrings_IsUnimplemented()
    {
        var explain = Request();
        explain.Explain = true;
        await AssertStatus(StatusCode.Unimplemented, explain);
        var rules = Request();
        rules.Rules = new Rules { Boosts = { new Boost { Attribute = "category", Value = "film", LogWeight = 1 } } };
        await AssertStatus(StatusCode.Unimplemented, rules);
    }

    [Fact]
    public async Task Recommend_DeadlinePassed_IsDeadlineExceeded()
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.RecommendAsync(Request(), deadline: DateTime.UnixEpoch, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
    }

    [Fact]
    public async Task Score_Candidates_AsAsked()
    {
        var request = new ScoreRequest { RequestId = "s", History = { new Watch { ItemId = "i3" } }, CandidateIds = { "i9", "zz", "i2" }, Normalise = true };
        var answer = await _client.ScoreAsync(request, cancellationToken: Token);
        Assert.Equal(["i9", "i2"], answer.Items.Select(i => i.ItemId));
        Assert.Equal(["zz"], answer.UnknownItemIds);
        Assert.Equal(("s", "toy", 1L), (answer.RequestId, answer.ModelName, answer.ModelVersion));
        var expected = Model.ExpectedLogits([3]);
        Assert.Equal(expected[9], answer.Items[0].Logit, 1e-4);
        Assert.Equal(expected[9] - Math.Log(expected.Sum(l => Math.Exp(l))), answer.Items[0].LogProbability, 1e-4);
        Assert.Null(answer.Timings);
        request.Normalise = false;
        request.IncludeTimings = true;
        answer = await _client.ScoreAsync(request, cancellationToken: Token);
        Assert.False(answer.Items[0].HasLogProbability);
        Assert.True(answer.Timings.BatchSize >= 1 && answer.Timings.EncodeUs > 0 && answer.Timings.BatchUs >= answer.Timings.EncodeUs);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_001)]
    public async Task Score_NumberOfCandidates_IsChecked(int count)
    {
        var request = new ScoreRequest { CandidateIds = { Enumerable.Repeat("i1", count) } };
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.ScoreAsync(request, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
    }

    private static RecommendRequest Request() => new()
    {
        History = { new Watch { ItemId = "i1" } },
        Context = { ["device"] = "tv" },
        Sampling = new Sampling(),
    };

    private async Task AssertStatus(StatusCode expected, RecommendRequest request)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.RecommendAsync(request, cancellationToken: Token).ResponseAsync);
        Assert.Equal(expected, e.StatusCode);
    }
}
