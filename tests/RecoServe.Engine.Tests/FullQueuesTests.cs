using Microsoft.Extensions.Logging.Abstractions;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

/// <summary>What the server's door asks: whether anybody could be answered.</summary>
public sealed class FullQueuesTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _repository = new();
    private readonly EngineMetrics _metrics = new();
    private readonly List<Task> _rows = [];
    private ModelRegistry? _registry;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _registry!.DisposeAsync();
        _metrics.Dispose();
        _repository.Dispose();
    }

    [Fact]
    public async Task FullFor_IsToldOnlyWhileNoModelHasRoom()
    {
        // Slow models (a large catalogue, a row a batch) with room for two.
        foreach (var name in (string[])["one", "two"])
            new TestModel { Name = name, ItemCount = 100_000, Dimension = 32 }.Publish(_repository.Path);
        _registry = new ModelRegistry(
            new RegistryOptions { Repository = _repository.Path }, new RunnerOptions { MaxBatchSize = 1 }, new BatcherOptions { QueueCapacity = 2 },
            _metrics, TimeProvider.System, NullLogger<ModelRegistry>.Instance);
        Assert.Null(_registry.FullFor); // nobody serves
        await _registry.LoadRepositoryAsync(Token);
        using var recommender = new Recommender(_registry, new DegradationOptions(), TimeProvider.System);
        using var popular = new Recommender(_registry, new DegradationOptions { Popularity = true }, TimeProvider.System);

        Assert.Null(recommender.FullFor);
        Fill("one");
        Assert.Null(recommender.FullFor);
        TimeSpan? full = null;
        for (var i = 0; i < 1000 && full is null; i++)
        {
            Fill("one");
            Fill("two");
            full = recommender.FullFor;
            Assert.Null(popular.FullFor); // somebody is answered still
        }

        Assert.True(full > TimeSpan.Zero);
        await Task.WhenAll(_rows);
        Assert.Null(recommender.FullFor);
    }

    private void Fill(string name)
    {
        using var lease = _registry!.Acquire(new(name));
        while (lease.Batcher.FullFor is null)
        {
            try
            {
                _rows.Add(ReadAsync(lease.Batcher.RunAsync(new RowRequest<EncoderInput>(
                    new EncoderInput(new[] { 1 + (_rows.Count % 1000) }, default), WantsLogits: true, DateTimeOffset.MaxValue), Token)));
            }
            catch (OverloadedException)
            {
                return;
            }
        }
    }

    private static async Task ReadAsync(Task<RowResult<BatchOutput>> row) => (await row).Dispose();
}
