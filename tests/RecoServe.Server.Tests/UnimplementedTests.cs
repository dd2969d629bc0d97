using Grpc.Core;
using RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

/// <summary>Methods of the contract that later work brings: each says that it is not there, by its name.</summary>
public sealed class UnimplementedTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Call_NotBuiltYet_NamesTheMethod()
    {
        var recommendations = new RecommendationService.RecommendationServiceClient(_server.Channel);
        await AssertUnimplemented("RecommendationService/Explain", () => recommendations.ExplainAsync(new ExplainRequest(), cancellationToken: Token).ResponseAsync);
        var feedback = new FeedbackService.FeedbackServiceClient(_server.Channel);
        await AssertUnimplemented("FeedbackService/RecordEvents", () => feedback.RecordEvents(cancellationToken: Token).ResponseAsync);
        await AssertUnimplemented("FeedbackService/RecordEventBatch", () => feedback.RecordEventBatchAsync(new RecordEventBatchRequest(), cancellationToken: Token).ResponseAsync);
    }

    private static async Task AssertUnimplemented(string method, Func<Task> call)
    {
        var e = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((StatusCode.Unimplemented, $"recoserve.v1.{method} is not implemented by this server"), (e.StatusCode, e.Status.Detail));
    }
}
