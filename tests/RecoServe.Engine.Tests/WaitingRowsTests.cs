using System.Runtime.InteropServices;
using Microsoft.Extensions.Time.Testing;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests;

/// <summary>Requests to versions whose memory is all being read: their rows wait.</summary>
public sealed class WaitingRowsTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();
    private readonly List<RowResult<BatchOutput>> _held = [];
    private readonly List<Task> _waiting = [];

    private static CancellationToken Token => RegistryFixture.Token;

    public async ValueTask DisposeAsync()
    {
        LetGo();
        await Task.WhenAll(_waiting);
        await _fixture.DisposeAsync();
    }

    [Theory]
    [InlineData("Recommend")]
    [InlineData("Score")]
    [InlineData("Infer")]
    public async Task AnyRequest_OfHigherPriority_TakesThePlaceOfALower(string method)
    {
        _fixture.Publish(1);
        var registry = _fixture.Create(batcher: new BatcherOptions { QueueCapacity = 1 });
        await registry.LoadRepositoryAsync(Token);
        using var recommender = new Recommender(registry, new DegradationOptions(), TimeProvider.System);
        await HoldAsync(registry, "toy");
        var normal = AskAsync(RequestPriority.Normal);
        await Assert.ThrowsAsync<OverloadedException>(() => AskAsync(RequestPriority.Normal));
        var high = AskAsync(RequestPriority.High);
        await Assert.ThrowsAsync<OverloadedException>(() => normal.WaitAsync(TimeSpan.FromSeconds(30), Token));
        LetGo();
        await high;

        Task AskAsync(RequestPriority priority) => method switch
        {
            "Recommend" => recommender.RecommendAsync(new SlateRequest { Priority = priority }, Token),
            "Score" => recommender.ScoreAsync(new ScoreRequest { CandidateIds = ["i1"], Priority = priority }, Token),
            _ => new TensorInference(registry, TimeProvider.System).InferAsync(
                new InferRequest(new("toy"), [Ints("items", [1, 1], 0), Ints("lengths", [1], 1)], [], DateTimeOffset.MaxValue, priority), Token),
        };
    }

    [Fact]
    public async Task Recommend_SmallerModelHasNoTimeAndTheAskedNoRoom_IsTheSlateOfNobody()
    {
        foreach (var name in (string[])["large", "small"])
            _fixture.Publish(new TestModel { Name = name }, 1);
        var clock = new FakeTimeProvider();
        var registry = _fixture.Create(o => o.DefaultModel = "large", batcher: new BatcherOptions { QueueCapacity = 2 }, runner: new RunnerOptions { MaxBatchSize = 1 }, clock: clock);
        await registry.LoadRepositoryAsync(Token);
        await HoldAsync(registry, "large", waiting: 2);
        await HoldAsync(registry, "small", waiting: 1);
        using var recommender = new Recommender(registry, new DegradationOptions { Model = "small", Popularity = true, Pressure = 0.01 }, clock);
        var slate = await recommender.RecommendAsync(new SlateRequest { Deadline = clock.GetUtcNow() + TimeSpan.FromTicks(1) }, Token);
        Assert.Equal((Degradation.Popularity, "large"), (slate.Degraded, slate.ComputedBy.Model));
    }

    private static TensorData Ints(string name, long[] shape, params int[] values) =>
        new(name, TensorElementType.Int32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    /// <summary>Takes all memory that a version computes into, and lets so many rows wait for it.</summary>
    private async Task HoldAsync(ModelRegistry registry, string name, int waiting = 0)
    {
        using var lease = registry.Acquire(new(name));
        for (var block = new RunnerOptions().OutputsFor(lease.Package.Catalogue.Count); block > 0; block--)
            _held.Add(await lease.Batcher.RunAsync(Row(block), Token));
        for (var row = 1; row <= waiting; row++)
            _waiting.Add(ReadAsync(lease.Batcher.RunAsync(Row(row), Token)));
        Assert.Equal(waiting, lease.Batcher.QueueLength);
    }

    private void LetGo()
    {
        _held.ForEach(row => row.Dispose());
        _held.Clear();
    }

    private static RowRequest<EncoderInput> Row(int item) => new(new EncoderInput(new[] { item }, default), WantsLogits: true, DateTimeOffset.MaxValue);

    private static async Task ReadAsync(Task<RowResult<BatchOutput>> row) => (await row).Dispose();
}
