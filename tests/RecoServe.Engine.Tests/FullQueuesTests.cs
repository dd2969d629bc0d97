using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

/// <summary>What the server's door asks: whether anybody could be answered.</summary>
public sealed class FullQueuesTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();
    private readonly List<Task> _rows = [];

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task FullFor_IsToldOnlyWhileNoModelHasRoom()
    {
        // Slow models (a large catalogue) with room for two.
        foreach (var name in (string[])["one", "two"])
            _fixture.Publish(new TestModel { Name = name, ItemCount = 100_000, Dimension = 32 }, 1);
        var registry = _fixture.Create(batcher: new BatcherOptions { QueueCapacity = 2 });
        Assert.Null(registry.FullFor); // nobody serves
        await registry.LoadRepositoryAsync(RegistryFixture.Token);
        using var recommender = new Recommender(registry, new DegradationOptions(), TimeProvider.System);
        using var popular = new Recommender(registry, new DegradationOptions { Popularity = true }, TimeProvider.System);

        Assert.Null(recommender.FullFor);
        Fill(registry, "one");
        Assert.Null(recommender.FullFor);
        TimeSpan? full = null;
        for (var i = 0; i < 1000 && full is null; i++)
        {
            Fill(registry, "one");
            Fill(registry, "two");
            full = recommender.FullFor;
            Assert.Null(popular.FullFor); // somebody is answered still
        }

        Assert.True(full > TimeSpan.Zero);
        await Task.WhenAll(_rows);
        Assert.Null(recommender.FullFor);
    }

    [Fact]
    public async Task FullFor_AGraphHasRoom_IsNotTold()
    {
        _fixture.Publish(new TestModel { Name = "one", ItemCount = 100_000, Dimension = 32 }, 1);
        TestGraph.PublishSum(_fixture.Repository.Path, "sum", 1);
        var registry = _fixture.Create(batcher: new BatcherOptions { QueueCapacity = 2 });
        await registry.LoadRepositoryAsync(RegistryFixture.Token);
        Fill(registry, "one");
        Assert.Null(registry.FullFor);
        TimeSpan? full = null;
        for (var i = 0; i < 1000 && full is null; i++)
        {
            FillGraph(registry);
            Fill(registry, "one");
            full = registry.FullFor;
        }

        Assert.True(full > TimeSpan.Zero);
        await Task.WhenAll(_rows);
    }

    private void FillGraph(ModelRegistry registry)
    {
        using var lease = registry.Acquire(new("sum"));
        var input = new TensorData("x", TensorElementType.Float, [1, 1 << 20], new byte[4 << 20]);
        while (lease.Loaded.FullFor is null)
        {
            var request = new TensorRequest(lease.Loaded.Signature, [input], ["sum"]);
            _rows.Add(lease.Loaded.InferAsync(new TensorRow(request, 0), new TensorResponse(request), DateTimeOffset.MaxValue, RequestPriority.Normal, RegistryFixture.Token));
        }
    }

    private void Fill(ModelRegistry registry, string name)
    {
        using var lease = registry.Acquire(new(name));
        while (lease.Batcher.FullFor is null)
        {
            var input = new EncoderInput(new[] { 1 + (_rows.Count % 1000) }, default); // each its own, or they would be computed once
            _rows.Add(ReadAsync(lease.Batcher.RunAsync(new RowRequest<EncoderInput>(input, WantsLogits: true, DateTimeOffset.MaxValue), RegistryFixture.Token)));
        }
    }

    private static async Task ReadAsync(Task<RowResult<BatchOutput>> row) => (await row).Dispose();
}
