using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>A model that reads the contexts of watches gets them from the request.</summary>
public sealed class HistoryContextTests : IAsyncLifetime
{
    private const int Tv = 1, Phone = 2;

    private static readonly TestModel Model = new() { HistoryContext = true, TimeGaps = true, Devices = ["tv", "phone"], MaxHistory = 3 };

    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(r => Model.Publish(r));

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Score_Contexts_AreReadOfKnownWatches()
    {
        // Of "stranger" the model knows nothing, i1 is older than what it reads, and no device is known of i3.
        var score = await ScoreAsync(On("i1", "tv"), On("i2", "phone"), On("stranger", "tv"), new Watch { ItemId = "i3" }, On("i4", "tv"));
        Assert.Equal(Model.ExpectedLogits([2, 3, 4], Tv)[7] + Model.OfDevice(Phone, 7) + Model.OfDevice(Tv, 7), score, 1e-4);
    }

    [Fact]
    public async Task Score_NoContexts_AreUnknown() =>
        Assert.Equal(Model.ExpectedLogits([2, 3], Tv)[7], await ScoreAsync(new Watch { ItemId = "i2" }, new Watch { ItemId = "i3" }), 1e-4);

    [Fact]
    public async Task Score_UnknownKey_IsRefusedByItsName()
    {
        var stranger = new Watch { ItemId = "i3", Context = new WatchContext { Values = { ["colour"] = "red" } } };
        var e = await Assert.ThrowsAsync<RpcException>(() => ScoreAsync(On("i2", "tv"), stranger));
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.Equal("history[1].context.values[\"colour\"]: the model has no such context; its keys are: device", e.Status.Detail);
    }

    [Fact]
    public async Task Score_ModelThatReadsNone_TakesAnyContextOfAWatch()
    {
        await using var server = await RunningServer.StartAsync(r => (Model with { HistoryContext = false }).Publish(r));
        var watch = new Watch { ItemId = "i2", Context = new WatchContext { Values = { ["colour"] = "red" } } };
        Assert.Equal(Model.ExpectedLogits([2], Tv)[7], await ScoreAsync(server, watch), 1e-4);
    }

    private static Watch On(string id, string device) => new() { ItemId = id, Context = new WatchContext { Values = { ["device"] = device } } };

    private Task<double> ScoreAsync(params Watch[] history) => ScoreAsync(_server, history);

    private static async Task<double> ScoreAsync(RunningServer server, params Watch[] history)
    {
        var client = new RecommendationService.RecommendationServiceClient(server.Channel);
        var request = new ScoreRequest { History = { history }, Context = { ["device"] = "tv" }, CandidateIds = { "i7" } };
        var response = await client.ScoreAsync(request, cancellationToken: TestContext.Current.CancellationToken);
        return response.Items.Single().Logit;
    }
}
