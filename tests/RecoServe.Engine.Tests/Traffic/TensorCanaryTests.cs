using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Engine.Traffic;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Traffic;

/// <summary>Canaries of whom no slates are asked, but tensors or scores, are judged too.</summary>
public sealed class TensorCanaryTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();
    private ModelRegistry _registry = null!;
    private TrafficWatch? _watch;

    private static CancellationToken Token => RegistryFixture.Token;

    private string Repository => _fixture.Repository.Path;

    public async ValueTask DisposeAsync()
    {
        if (_watch is not null)
            await _watch.DisposeAsync();
        await _fixture.DisposeAsync();
    }

    [Fact]
    public async Task Graph_GivesNaN_IsRolledBack()
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        TestGraph.PublishSum(Repository, "sum", 2, factor: float.NaN);
        var inference = await StartAsync("sum");
        await AskUntilRolledBackAsync("sum", "NaN or infinite", i => inference.InferAsync(Request("sum", i, Floats("x", [1, 1], i)), Token));
        Assert.Equal(1, (await inference.InferAsync(Request("sum", 0, Floats("x", [1, 1], 7)), Token)).ComputedBy.Version);
    }

    [Fact]
    public async Task Graph_RunFails_IsRolledBack()
    {
        TestGraph.PublishGather(Repository, "gather", 1);
        TestGraph.PublishGather(Repository, "gather", 2, entries: 5);
        var inference = await StartAsync("gather");
        await AskUntilRolledBackAsync("gather", "requests failed", i => inference.InferAsync(Request("gather", i, Ids(i % 10)), Token));
    }

    [Fact]
    public async Task Graph_NaNIsAsked_BothGiveItAndTheCanaryStays()
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        TestGraph.PublishSum(Repository, "sum", 2);
        var inference = await StartAsync("sum");
        for (var i = 0; i < 400; i++)
            await inference.InferAsync(Request("sum", i, Floats("x", [1, 1], i % 2 == 0 ? float.NaN : i)), Token);
        Assert.Equal(2, _registry.Traffic.Of("sum").HolderOf(Labels.Canary));
    }

    /// <summary>A tester who asks the canary for nonsense, by its number, its label, or as a user of its share.</summary>
    [Theory]
    [InlineData(2L, null)]
    [InlineData(null, Labels.Canary)]
    [InlineData(null, null)]
    public async Task Graph_NaNIsAskedOfTheCanaryAlone_Stays(long? version, string? label)
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        TestGraph.PublishSum(Repository, "sum", 2);
        var inference = await StartAsync("sum");
        var selector = new ModelSelector("sum", version, label);
        var user = Enumerable.Range(0, 100).First(i => _registry.Traffic.Choose("sum", new ModelSelector("sum"), _registry.Traffic.Of("sum"), $"user{i}").Version == 2);
        for (var i = 0; i < 50; i++)
        {
            var result = await inference.InferAsync(Request("sum", user, Floats("x", [1, 1], float.NaN)) with { Model = selector }, Token);
            Assert.Equal(2, result.ComputedBy.Version);
        }

        Assert.Equal(2, _registry.Traffic.Of("sum").HolderOf(Labels.Canary));
    }

    [Fact]
    public async Task Package_OnlyScoresAreAsked_IsRolledBack()
    {
        var good = new TestModel { Devices = ["tv"] };
        _fixture.Publish(good, 1);
        _fixture.Publish(good with { FirstDeviceIsNaN = true }, 2);
        await StartAsync("toy");
        using var recommender = new Recommender(_registry, new DegradationOptions(), TimeProvider.System, _watch);
        await AskUntilRolledBackAsync("toy", "NaN or infinite", i => recommender.ScoreAsync(
            new ScoreRequest
            {
                TrafficKey = $"user{i}",
                History = [TestModel.IdOf(3)],
                CandidateIds = [TestModel.IdOf(1)],
                Context = new Dictionary<string, string> { ["device"] = "tv" },
            }, Token));
    }

    [Theory]
    [InlineData(TensorElementType.Float, new byte[] { 0, 0, 0xC0, 0x7F }, true)]
    [InlineData(TensorElementType.Float, new byte[] { 0, 0, 0x80, 0xFF }, false)] // −∞
    [InlineData(TensorElementType.Double, new byte[] { 0, 0, 0, 0, 0, 0, 0xF8, 0x7F }, true)]
    [InlineData(TensorElementType.Double, new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0x7F }, false)]
    [InlineData(TensorElementType.Float16, new byte[] { 0, 0x7E }, true)]
    [InlineData(TensorElementType.Float16, new byte[] { 0, 0x7C }, false)]
    [InlineData(TensorElementType.BFloat16, new byte[] { 0xC0, 0xFF }, true)]
    [InlineData(TensorElementType.BFloat16, new byte[] { 0x80, 0xFF }, false)]
    [InlineData(TensorElementType.Int32, new byte[] { 0, 0, 0xC0, 0x7F }, false)]
    public void HasNaN_OfEveryType_IsTold(TensorElementType type, byte[] last, bool expected) =>
        Assert.Equal(expected, new TensorData("y", type, [3], new byte[2 * last.Length].Concat(last).ToArray()).HasNaN);

    private static InferRequest Request(string model, int i, TensorData input) =>
        new(new ModelSelector(model), [input], [], DateTimeOffset.MaxValue, TrafficKey: $"user{i}");

    private static TensorData Floats(string name, long[] shape, params float[] values) =>
        new(name, TensorElementType.Float, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static TensorData Ids(params long[] values) =>
        new("ids", TensorElementType.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private async Task<TensorInference> StartAsync(string model)
    {
        _registry = _fixture.Create(o => o.DefaultModel = model);
        await _registry.LoadAsync(model, 1, Token);
        await _registry.LoadAsync(model, 2, Token);
        _registry.Traffic.SetLabel(model, Labels.Stable, 1);
        _registry.Traffic.SetLabel(model, Labels.Canary, 2);
        _registry.Traffic.Set(model, t => t with { CanaryPercent = 50 });
        var options = new RollbackOptions { ComparePercent = 100, LatencySlack = TimeSpan.FromMinutes(1) };
        _watch = new TrafficWatch(_registry, options, TimeProvider.System, new RecordedLog<TrafficWatch>());
        return new TensorInference(_registry, TimeProvider.System, _watch);
    }

    private async Task AskUntilRolledBackAsync(string model, string reason, Func<int, Task> askAsync)
    {
        for (var i = 0; i < 50_000 && !_registry.Traffic.Of(model).RolledBack.ContainsKey(2); i++)
        {
            try
            {
                await askAsync(i);
            }
            catch (Exception e) when (e is InvalidLogitsException or ModelRunException)
            {
                // The canary's; the guard counts it.
            }
        }

        Assert.Contains(reason, _registry.Traffic.Of(model).RolledBack[2], StringComparison.Ordinal);
    }
}
