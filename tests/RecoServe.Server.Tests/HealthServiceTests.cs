using Grpc.Core;
using RecoServe.Contracts.Health.V1;
using RecoServe.Engine.Packages;
using RecoServe.Testing;
using ServingStatus = RecoServe.Contracts.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace RecoServe.Server.Tests;

public sealed class HealthServiceTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private Health.HealthClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _client = new Health.HealthClient(_server.Channel);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("")]
    [InlineData("recoserve.v1.RecommendationService")]
    [InlineData("grpc.health.v1.Health")]
    [InlineData("model/toy")]
    public async Task Check_Known_IsServing(string service) =>
        Assert.Equal(ServingStatus.Serving, (await _client.CheckAsync(new HealthCheckRequest { Service = service }, cancellationToken: Token)).Status);

    [Fact]
    public async Task Check_Unknown_IsNotFound()
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.CheckAsync(new HealthCheckRequest { Service = "model/x" }, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
    }

    [Fact]
    public async Task List_All_HasServerServicesAndModels()
    {
        var statuses = (await _client.ListAsync(new HealthListRequest(), cancellationToken: Token)).Statuses;
        Assert.Equal(
            ["", "grpc.health.v1.Health", "inference.GRPCInferenceService", "model/toy", "recoserve.v1.ModelService", "recoserve.v1.RecommendationService"],
            statuses.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Watch_ModelUnloadedAndLoaded_TellsBoth()
    {
        using var call = _client.Watch(new HealthCheckRequest { Service = "model/toy" }, cancellationToken: Token);
        Assert.Equal(ServingStatus.Serving, await Next(call));
        await _server.Registry.UnloadAsync("toy", 1);
        Assert.Equal(ServingStatus.NotServing, await Next(call));
        using var http = new HttpClient();
        Assert.Equal(503, (int)(await http.GetAsync(new Uri(_server.HttpAddress, "/readyz"), Token)).StatusCode);
        await _server.Registry.LoadAsync("toy", 1, Token);
        Assert.Equal(ServingStatus.Serving, await Next(call));
        Assert.Equal("ready", await http.GetStringAsync(new Uri(_server.HttpAddress, "/readyz"), Token));
    }

    [Fact]
    public async Task Check_OtherModelFailedToLoadOrIsRetired_ServerStaysReady()
    {
        PackageFixes.Corrupt(Path.Combine(new TestModel { Name = "bad" }.Publish(_server.Repository.Path), "scorer.onnx"));
        new TestModel { Name = "old" }.Publish(_server.Repository.Path);
        await Assert.ThrowsAsync<PackageException>(() => _server.Registry.LoadAsync("bad", 1, Token));
        await _server.Registry.LoadAsync("old", 1, Token);
        await _server.Registry.UnloadAsync("old", 1);
        var statuses = (await _client.ListAsync(new HealthListRequest(), cancellationToken: Token)).Statuses;
        Assert.Equal(
            [("", ServingStatus.Serving), ("model/bad", ServingStatus.NotServing), ("model/old", ServingStatus.NotServing), ("model/toy", ServingStatus.Serving)],
            statuses.Where(s => s.Key.Length == 0 || s.Key.StartsWith("model/", StringComparison.Ordinal)).Select(s => (s.Key, s.Value.Status)).Order());
        using var http = new HttpClient();
        Assert.Equal("ready", await http.GetStringAsync(new Uri(_server.HttpAddress, "/readyz"), Token));
    }

    [Fact]
    public async Task Watch_Unknown_StaysOpenWithServiceUnknown()
    {
        using var call = _client.Watch(new HealthCheckRequest { Service = "model/x" }, cancellationToken: Token);
        Assert.Equal(ServingStatus.ServiceUnknown, await Next(call));
    }

    [Fact]
    public async Task Watch_ServerStops_EndsAtOnce()
    {
        using var call = _client.Watch(new HealthCheckRequest(), cancellationToken: Token);
        Assert.Equal(ServingStatus.Serving, await Next(call));
        await _server.App.StopAsync(Token).WaitAsync(TimeSpan.FromSeconds(10), Token);
        var e = await Assert.ThrowsAsync<RpcException>(() => Next(call));
        Assert.Equal((StatusCode.Unavailable, "1000"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
    }

    private static async Task<ServingStatus> Next(AsyncServerStreamingCall<HealthCheckResponse> call)
    {
        Assert.True(await call.ResponseStream.MoveNext(Token));
        return call.ResponseStream.Current.Status;
    }
}
