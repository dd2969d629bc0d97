using Google.Protobuf.WellKnownTypes;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>A model that reads the times between watches gets them from the request.</summary>
public sealed class TimeGapTests : IAsyncLifetime
{
    private static readonly TestModel Model = new() { TimeGaps = true, Devices = ["tv"], MaxHistory = 3 };

    private RunningServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync(r => Model.Publish(r));

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Score_Times_AreReadAsGapsBetweenKnownWatches()
    {
        // Of "stranger" the model knows nothing, and i1 is older than what it reads.
        var scores = await ScoreAsync(Watched("i1", 0), Watched("i2", 100), Watched("stranger", 101), Watched("i3", 103), Watched("i4", 104));
        Assert.Equal(Model.ExpectedLogits([2, 3, 4], 1, 0, 3, 2)[7], scores, 1e-4);
    }

    [Fact]
    public async Task Score_NoTimes_AreUnknownGaps() =>
        Assert.Equal(Model.ExpectedLogits([2, 3], 1)[7], await ScoreAsync(new Watch { ItemId = "i2" }, new Watch { ItemId = "i3" }), 1e-4);

    private static Watch Watched(string id, long second) => new() { ItemId = id, WatchedAt = new Timestamp { Seconds = 1_700_000_000 + second } };

    private async Task<double> ScoreAsync(params Watch[] history)
    {
        var client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        var request = new ScoreRequest { History = { history }, Context = { ["device"] = "tv" }, CandidateIds = { "i7" } };
        var response = await client.ScoreAsync(request, cancellationToken: TestContext.Current.CancellationToken);
        return response.Items.Single().Logit;
    }
}
