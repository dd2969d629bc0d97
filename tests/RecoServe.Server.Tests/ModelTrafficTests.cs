using Google.Rpc;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>Labels, shares, rollback, reloading and watching, as a client meets them.</summary>
public sealed class ModelTrafficTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ModelService.ModelServiceClient _models = null!;
    private RecommendationService.RecommendationServiceClient _recommendations = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(
            r =>
            {
                new TestModel().Publish(r);
                new TestModel { Seed = 2 }.Publish(r);
            },
            ("Registry:VersionPolicy", "latest:2"));
        _models = new ModelService.ModelServiceClient(_server.Channel);
        _recommendations = new RecommendationService.RecommendationServiceClient(_server.Channel);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task SetLabel_StableAndMine_AnswerRequests()
    {
        Assert.Equal((2L, ""), await AskAsync(new ModelSpec()));
        var model = (await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "stable", Version = 1 }, cancellationToken: Token)).Model;
        Assert.Equal(1, model.Labels["stable"]);
        Assert.Equal((1L, "stable"), await AskAsync(new ModelSpec()));
        Assert.Equal((2L, ""), await AskAsync(new ModelSpec { Version = 2 }));
        await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "mine", Version = 2 }, cancellationToken: Token);
        Assert.Equal((2L, "mine"), await AskAsync(new ModelSpec { Label = "mine" }));
        model = (await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "mine" }, cancellationToken: Token)).Model;
        Assert.Equal(["stable"], model.Labels.Keys);
        Assert.Equal(2, model.PreviousLabels["mine"]);
        await AssertStatusAsync(StatusCode.NotFound, () => AskAsync(new ModelSpec { Label = "mine" }));
    }

    [Theory]
    [InlineData("", "stable", 1, StatusCode.InvalidArgument)]
    [InlineData("toy", "", 1, StatusCode.InvalidArgument)]
    [InlineData("toy", "a/b", 1, StatusCode.InvalidArgument)]
    [InlineData("toy", "stable", -1, StatusCode.InvalidArgument)]
    [InlineData("toys", "stable", 1, StatusCode.NotFound)]
    [InlineData("toy", "stable", 9, StatusCode.NotFound)]
    [InlineData("toy", "stable", 3, StatusCode.FailedPrecondition)]
    public async Task SetLabel_Wrong_HasItsStatus(string name, string label, long version, StatusCode expected)
    {
        new TestModel().Publish(_server.Repository.Path, 3); // there, and not loaded
        await AssertStatusAsync(expected, () => _models.SetLabelAsync(new SetLabelRequest { Name = name, Label = label, Version = version }, cancellationToken: Token).ResponseAsync);
    }

    [Fact]
    public async Task UnloadVersion_HasALabel_IsFailedPrecondition()
    {
        await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "stable", Version = 1 }, cancellationToken: Token);
        await AssertStatusAsync(StatusCode.FailedPrecondition, () => _models.UnloadVersionAsync(new UnloadVersionRequest { Name = "toy", Version = 1 }, cancellationToken: Token).ResponseAsync);
    }

    [Fact]
    public async Task SetTraffic_CanaryAndShadow_AreSetAndShown()
    {
        await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "canary", Version = 2 }, cancellationToken: Token);
        var model = (await _models.SetTrafficAsync(new SetTrafficRequest { Name = "toy", CanaryPercent = 30 }, cancellationToken: Token)).Model;
        Assert.Equal(30, model.CanaryPercent);
        Assert.Null(model.Shadow);
        model = (await _models.SetTrafficAsync(new SetTrafficRequest { Name = "toy", Shadow = new Shadow { Version = 2, Percent = 100 } }, cancellationToken: Token)).Model;
        Assert.Equal((30.0, 2L, 100.0), (model.CanaryPercent, model.Shadow.Version, model.Shadow.Percent));
        var labels = new HashSet<string>();
        for (var user = 0; user < 50; user++)
        {
            var label = (await AskAsync(new ModelSpec(), $"user{user}")).Label;
            Assert.Equal(label, (await AskAsync(new ModelSpec(), $"user{user}")).Label);
            labels.Add(label);
        }

        Assert.Equal(["", "canary"], labels.Order(StringComparer.Ordinal));
        await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "canary" }, cancellationToken: Token); // whose judgement would end the shadow
        ModelVersion version;
        var asked = 0;
        do
        {
            Assert.True(asked++ < 10_000, "none was compared");
            var history = Enumerable.Range(0, 5).Select(i => new Watch { ItemId = TestModel.IdOf(((asked + i) % 9) + 1) });
            await _recommendations.RecommendAsync(new RecommendRequest { Model = new ModelSpec { Version = 1 }, History = { history } }, cancellationToken: Token);
            version = (await _models.GetModelAsync(new GetModelRequest { Name = "toy" }, cancellationToken: Token)).Model.Versions[0];
        }
        while (version.Shadow is not { HasPersonal: true });
        Assert.InRange(version.Shadow.Overlap, 0, 1);
        Assert.NotEqual(0, version.Shadow.Personal);
        model = (await _models.SetTrafficAsync(new SetTrafficRequest { Name = "toy", Shadow = new Shadow() }, cancellationToken: Token)).Model;
        Assert.Null(model.Shadow);
    }

    [Theory]
    [InlineData(101, 0, 0, "canary_percent")]
    [InlineData(double.NaN, 0, 0, "canary_percent")]
    [InlineData(0, 1, -1, "shadow.percent")]
    [InlineData(0, -1, 1, "shadow.version")]
    public async Task SetTraffic_OutOfRange_NamesTheField(double canary, long version, double percent, string field)
    {
        var request = new SetTrafficRequest { Name = "toy", CanaryPercent = canary, Shadow = new Shadow { Version = version, Percent = percent } };
        var e = await AssertStatusAsync(StatusCode.InvalidArgument, () => _models.SetTrafficAsync(request, cancellationToken: Token).ResponseAsync);
        Assert.Equal(field, Assert.Single(e.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations).Field);
    }

    [Fact]
    public async Task RollBack_Stable_GoesBackInOneCallAndSaysSo()
    {
        await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "stable", Version = 1 }, cancellationToken: Token);
        await _models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "stable", Version = 2 }, cancellationToken: Token);
        var model = (await _models.RollBackAsync(new RollBackRequest { Name = "toy" }, cancellationToken: Token)).Model;
        Assert.Equal(1, model.Labels["stable"]);
        Assert.Equal(("on demand", ""), (model.Versions[0].RolledBack, model.Versions[1].RolledBack));
        Assert.Equal((1L, "stable"), await AskAsync(new ModelSpec()));
        await AssertStatusAsync(StatusCode.NotFound, () => _models.RollBackAsync(new RollBackRequest { Name = "toy", Label = "canary" }, cancellationToken: Token).ResponseAsync);
    }

    [Fact]
    public async Task ReloadRepository_NewGoodAndBadVersions_SaysWhatItDid()
    {
        new TestModel().Publish(_server.Repository.Path, 3);
        PackageFixes.Corrupt(Path.Combine(new TestModel { Name = "other" }.Publish(_server.Repository.Path), "encoder.onnx"));
        var answer = await _models.ReloadRepositoryAsync(new ReloadRepositoryRequest(), cancellationToken: Token);
        Assert.Equal(
            [("other", 1L, ReloadAction.Failed), ("toy", 3L, ReloadAction.Loaded), ("toy", 1L, ReloadAction.Unloaded)],
            answer.Versions.Select(v => (v.Name, v.Version, v.Action)));
        Assert.Contains("encoder.onnx is damaged", answer.Versions[0].Reason, StringComparison.Ordinal);
        Assert.Equal(["other", "toy"], answer.Models.Select(m => m.Name));
    }

    [Fact]
    public async Task WatchModels_LoadAndUnload_PresentStatesThenEveryChange()
    {
        using var call = _models.WatchModels(new WatchModelsRequest { Name = "toy" }, cancellationToken: Token);
        Assert.Equal([(2L, VersionState.Serving), (1L, VersionState.Serving)], await ReadAsync(call, 2));
        new TestModel { Name = "other" }.Publish(_server.Repository.Path);
        new TestModel().Publish(_server.Repository.Path, 3);
        await _server.Registry.LoadAsync("other", 1, Token);
        await _server.Registry.LoadAsync("toy", 3, Token);
        await _server.Registry.UnloadAsync("toy", 1);
        Assert.Equal(
            [(3L, VersionState.Loading), (3L, VersionState.Warming), (3L, VersionState.Serving), (1L, VersionState.Draining), (1L, VersionState.Unloaded)],
            await ReadAsync(call, 5));
    }

    [Fact]
    public async Task WatchModels_ServerStops_EndsUnavailable()
    {
        await using var server = await RunningServer.StartAsync(null, ("Server:DrainTime", "00:00:00.250"));
        using var call = new ModelService.ModelServiceClient(server.Channel).WatchModels(new WatchModelsRequest(), cancellationToken: Token);
        await ReadAsync(call, 1);
        var stopping = server.App.StopAsync(Token);
        await AssertStatusAsync(StatusCode.Unavailable, () => call.ResponseStream.MoveNext(Token));
        await stopping;
    }

    [Fact]
    public async Task LoadVersion_WouldNotFit_IsResourceExhaustedAndNotToBeRetried()
    {
        await using var server = await RunningServer.StartAsync(null, ("Registry:MemoryLimit", "10000000"));
        new TestModel().Publish(server.Repository.Path);
        var models = new ModelService.ModelServiceClient(server.Channel);
        var e = await AssertStatusAsync(StatusCode.ResourceExhausted, () => models.LoadVersionAsync(new LoadVersionRequest { Name = "toy", Version = 2 }, cancellationToken: Token).ResponseAsync);
        Assert.Contains("needs about 8.", e.Status.Detail, StringComparison.Ordinal);
        Assert.Equal("-1", e.Trailers.GetValue("grpc-retry-pushback-ms"));
        var version = (await models.GetModelAsync(new GetModelRequest { Name = "toy" }, cancellationToken: Token)).Model.Versions[1];
        Assert.Equal(VersionState.Serving, version.State);
        Assert.InRange(version.EstimatedBytes, 8 << 20, 9 << 20);
    }

    private static async Task<List<(long, VersionState)>> ReadAsync(AsyncServerStreamingCall<WatchModelsResponse> call, int count)
    {
        var changes = new List<(long, VersionState)>();
        while (changes.Count < count && await call.ResponseStream.MoveNext(Token))
        {
            Assert.Equal("toy", call.ResponseStream.Current.Name);
            changes.Add((call.ResponseStream.Current.Version.Version, call.ResponseStream.Current.Version.State));
        }

        return changes;
    }

    private static async Task<RpcException> AssertStatusAsync(StatusCode expected, Func<Task> call)
    {
        var e = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(expected, e.StatusCode);
        return e;
    }

    private async Task<(long Version, string Label)> AskAsync(ModelSpec model, string user = "")
    {
        var answer = await _recommendations.RecommendAsync(new RecommendRequest { Model = model, UserId = user }, cancellationToken: Token);
        Assert.Equal("toy", answer.ModelName);
        return (answer.ModelVersion, answer.ModelLabel);
    }
}
