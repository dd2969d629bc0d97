using Google.Rpc;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

public sealed class ModelServiceTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ModelService.ModelServiceClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(r => new TestModel { Devices = ["tv"] }.Publish(r));
        _client = new ModelService.ModelServiceClient(_server.Channel);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task ListModels_OneModel_DescribesIt()
    {
        var model = Assert.Single((await _client.ListModelsAsync(new ListModelsRequest(), cancellationToken: Token)).Models);
        var version = Assert.Single(model.Versions);
        Assert.Equal(("toy", true, 1L, VersionState.Serving), (model.Name, model.Default, version.Version, version.State));
        Assert.Equal((20, 4, 10, "sum"), (version.ItemCount, version.Dimension, version.MaxHistory, version.Network));
        Assert.Equal("tv", Assert.Single(Assert.Single(version.ContextFields).Values));
        Assert.Equal(model, (await _client.GetModelAsync(new GetModelRequest { Name = "toy" }, cancellationToken: Token)).Model);
    }

    [Fact]
    public async Task LoadAndUnload_NextVersion_TakesOver()
    {
        new TestModel().Publish(_server.Repository.Path);
        var loaded = await _client.LoadVersionAsync(new LoadVersionRequest { Name = "toy", Version = 2 }, cancellationToken: Token);
        Assert.Equal(VersionState.Serving, loaded.Version.State);
        var unloaded = await _client.UnloadVersionAsync(new UnloadVersionRequest { Name = "toy", Version = 1 }, cancellationToken: Token);
        Assert.Equal(VersionState.Unloaded, unloaded.Version.State);
        var recommendations = new RecommendationService.RecommendationServiceClient(_server.Channel);
        Assert.Equal(2, (await recommendations.RecommendAsync(new RecommendRequest(), cancellationToken: Token)).ModelVersion);
    }

    [Fact]
    public async Task LoadVersion_BadPackage_IsFailedPreconditionAndNamesTheFile()
    {
        var directory = new TestModel().Publish(_server.Repository.Path);
        PackageFixes.Corrupt(Path.Combine(directory, "scorer.onnx"));
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.LoadVersionAsync(new LoadVersionRequest { Name = "toy", Version = 2 }, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        Assert.Contains("scorer.onnx is damaged", e.Status.Detail, StringComparison.Ordinal);
        var states = (await _client.GetModelAsync(new GetModelRequest { Name = "toy" }, cancellationToken: Token)).Model.Versions;
        Assert.Equal([VersionState.Failed, VersionState.Serving], states.Select(v => v.State));
        Assert.NotEmpty(states[0].Failure);
    }

    [Fact]
    public async Task LoadVersion_NativeRunFailsInWarmUp_IsFailedPreconditionAndNamesTheDirectory()
    {
        new TestModel { PoisonAbove = 0 }.Publish(_server.Repository.Path);
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.LoadVersionAsync(new LoadVersionRequest { Name = "toy", Version = 2 }, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, e.StatusCode);
        Assert.Contains("toy/2 cannot be loaded: ", e.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("toy", 0, StatusCode.InvalidArgument)]
    [InlineData("toy", 7, StatusCode.NotFound)]
    [InlineData("../x", 1, StatusCode.NotFound)]
    public async Task LoadVersion_NotThere_IsRefused(string name, long version, StatusCode expected)
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.LoadVersionAsync(new LoadVersionRequest { Name = name, Version = version }, cancellationToken: Token).ResponseAsync);
        Assert.Equal(expected, e.StatusCode);
        e = await Assert.ThrowsAsync<RpcException>(() => _client.UnloadVersionAsync(new UnloadVersionRequest { Name = name, Version = version }, cancellationToken: Token).ResponseAsync);
        Assert.Equal(expected, e.StatusCode);
    }

    [Fact]
    public async Task AnyMethod_EmptyName_IsInvalidArgumentAndNamesTheField()
    {
        await AssertNamesTheField(() => _client.GetModelAsync(new GetModelRequest(), cancellationToken: Token).ResponseAsync);
        await AssertNamesTheField(() => _client.LoadVersionAsync(new LoadVersionRequest { Version = 1 }, cancellationToken: Token).ResponseAsync);
        await AssertNamesTheField(() => _client.UnloadVersionAsync(new UnloadVersionRequest { Version = 1 }, cancellationToken: Token).ResponseAsync);

        static async Task AssertNamesTheField(Func<Task> call)
        {
            var e = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
            Assert.Equal("name", Assert.Single(e.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations).Field);
        }
    }

    [Fact]
    public async Task GetModel_Unknown_IsNotFound()
    {
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.GetModelAsync(new GetModelRequest { Name = "x" }, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
    }
}
