using Google.Rpc;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>Rows of the contract's table of statuses that need a model which misbehaves or a server under pressure.</summary>
public sealed class StatusTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Recommend_ModelGivesNaN_IsInternalWithoutDetailsAndCounted()
    {
        await using var server = await RunningServer.StartAsync(r => new TestModel { Bias = i => i == 7 ? 3e38f : 0, Row = (i, c) => i == 7 ? 3e19f : 1 }.Publish(r));
        var e = await CallAsync(server, new RecommendRequest { History = { new Watch { ItemId = "i7" } }, Filter = new Filter { IncludeWatched = true } });
        Assert.Equal((StatusCode.Internal, "the model failed to compute the answer"), (e.StatusCode, e.Status.Detail));
        using var http = new HttpClient();
        Assert.Contains("recoserve_invalid_logits_total{", await http.GetStringAsync(new Uri(server.HttpAddress, "/metrics"), Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_NativeRunFails_IsInternalAndTheNextIsAnswered()
    {
        await using var server = await RunningServer.StartAsync(r => new TestModel { PoisonAbove = 5 }.Publish(r));
        var e = await CallAsync(server, new RecommendRequest { History = { new Watch { ItemId = "i6" } } });
        Assert.Equal((StatusCode.Internal, "the model failed to compute the answer"), (e.StatusCode, e.Status.Detail));
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        Assert.Equal(10, (await client.RecommendAsync(new RecommendRequest { History = { new Watch { ItemId = "i5" } } }, cancellationToken: Token)).Items.Count);
    }

    [Fact]
    public async Task Recommend_QueueFull_IsResourceExhaustedWithRetryHints()
    {
        // A slow model (a large catalogue, one row a batch) and room for one in the queue.
        await using var server = await RunningServer.StartAsync(
            r => new TestModel { ItemCount = 200_000, Dimension = 64 }.Publish(r), ("Batcher:QueueCapacity", "1"), ("Runner:MaxBatchSize", "1"));
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 200).Select(async _ =>
        {
            try
            {
                await client.RecommendAsync(new RecommendRequest(), cancellationToken: Token);
                return null;
            }
            catch (RpcException e)
            {
                return e;
            }
        }));
        var refused = outcomes.OfType<RpcException>().ToArray();
        Assert.Contains(outcomes, o => o is null);
        Assert.NotEmpty(refused);
        Assert.All(refused, e =>
        {
            Assert.Equal(StatusCode.ResourceExhausted, e.StatusCode);
            Assert.True(e.GetRpcStatus()!.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
            Assert.Equal("50", e.Trailers.GetValue("grpc-retry-pushback-ms"));
        });
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(server.HttpAddress, "/metrics"), Token);
        Assert.Contains(metrics.Split('\n'), l => l.StartsWith("recoserve_shed_total{", StringComparison.Ordinal) && l.Contains("reason=\"queue_full\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Recommend_CallerGoesAway_IsCancelled()
    {
        await using var server = await RunningServer.StartAsync();
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        var e = await Assert.ThrowsAsync<RpcException>(() => client.RecommendAsync(new RecommendRequest(), cancellationToken: cancel.Token).ResponseAsync);
        Assert.Equal(StatusCode.Cancelled, e.StatusCode);
    }

    private static async Task<RpcException> CallAsync(RunningServer server, RecommendRequest request)
    {
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        return await Assert.ThrowsAsync<RpcException>(() => client.RecommendAsync(request, cancellationToken: Token).ResponseAsync);
    }
}
