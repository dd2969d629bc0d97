using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Engine.Traffic;
using RecoServe.Testing;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Traffic;

public sealed class RankedSlateTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    /// <summary>A copy that came first is computed after a request that came later.</summary>
    [Fact]
    public async Task Compute_ARequestCameLater_WaitsForIt()
    {
        _fixture.Publish(1);
        var registry = _fixture.Create(runner: new RunnerOptions { MaxBatchSize = 1 });
        await registry.LoadAsync("toy", 1, Token);
        using var lease = registry.Acquire(new ModelSelector("toy", 1));

        // Until no output block is left, and a row waits for one.
        var held = new List<IDisposable>();
        Task<RowResult<BatchOutput>>? waiting = null;
        while (waiting is null)
        {
            var row = RunAsync(lease, held.Count + 2);
            if (await Task.WhenAny(row, Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Token)) == row)
                held.Add(await row);
            else
                waiting = row;
        }

        var copy = RankedSlate.ComputeAsync(lease, new SlateRequest { History = [TestModel.IdOf(9)] }, Token);
        var request = RunAsync(lease, 1); // of other input: equal ones are computed once
        held[0].Dispose();
        (await waiting).Dispose();
        using (await request) // holds the only block that was free
            Assert.NotSame(copy, await Task.WhenAny(copy, Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, Token)));
        held.ForEach(h => h.Dispose());
        Assert.Equal(10, (await copy).Items.Count);
    }

    private static Task<RowResult<BatchOutput>> RunAsync(ModelLease lease, int item) =>
        lease.Batcher.RunAsync(new(new(new[] { item }, Array.Empty<int>()), WantsLogits: true, DateTimeOffset.MaxValue), Token);
}
