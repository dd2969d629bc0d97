using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Batching;

public sealed class BatcherTests : IAsyncDisposable
{
    private static readonly TestModel Model = new() { PoisonAbove = 19 };

    private readonly TemporaryDirectory _repository = new();
    private readonly EngineMetrics _metrics = new();
    private readonly WorkerClock _clock = new();
    private readonly ModelRunner _runner;
    private Batcher? _batcher;

    public BatcherTests()
    {
        _runner = new ModelRunner(ModelPackage.Open(Model.Publish(_repository.Path)), new RunnerOptions { MaxBatchSize = 8 });
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_batcher is not null)
            await _batcher.DisposeAsync();
        _runner.Dispose();
        _metrics.Dispose();
        _repository.Dispose();
    }

    [Fact]
    public async Task RunAsync_ManyCallers_EachGetsItsOwnRow()
    {
        var batcher = Start();
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => Task.Run(
            async () =>
            {
                int[] history = [.. Enumerable.Range(1, i % 11)];
                using var row = await Run(batcher, history, wantsLogits: i % 3 != 0);
                var expected = Model.ExpectedLogits(history);
                for (var item = 1; item <= Model.ItemCount; item++)
                    Assert.Equal(expected[item], i % 3 != 0 ? row.Logits[item] : _runner.Matrix.Logit(row.State, item), 1e-4);
            },
            Token)));
    }

    [Fact]
    public async Task RunAsync_RunnerBusy_NextBatchTakesAllThatWaits()
    {
        var batcher = Start();
        var gate = await BlockRunner(batcher);
        var waiting = Enumerable.Range(0, 11).Select(i => Run(batcher, [1])).ToArray();
        gate.Open();
        var rows = await Task.WhenAll(waiting);
        // 8, the largest batch, then the other 3.
        Assert.Equal([3, 3, 3, 8, 8, 8, 8, 8, 8, 8, 8], rows.Select(r => r.Timings.BatchSize).Order());
        Array.ForEach(rows, r => r.Dispose());
    }

    [Fact]
    public async Task RunAsync_QueueFull_IsRefusedAtOnce()
    {
        var batcher = Start(new BatcherOptions { QueueCapacity = 5 });
        var gate = await BlockRunner(batcher);
        var waiting = Enumerable.Range(0, 5).Select(i => Run(batcher, [1])).ToArray();
        Assert.Throws<QueueFullException>(() => { Run(batcher, [1]).Ignore(); });
        gate.Open();
        foreach (var row in await Task.WhenAll(waiting))
            row.Dispose();
    }

    [Fact]
    public async Task RunAsync_CancelledWhileWaiting_EndsAtOnceAndNeighboursGoOn()
    {
        var batcher = Start();
        var gate = await BlockRunner(batcher);
        using var cancel = new CancellationTokenSource();
        var neighbour = Run(batcher, [1]);
        var cancelled = batcher.RunAsync(Input([2]), true, DateTimeOffset.MaxValue, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        gate.Open();
        using var row = await neighbour;
        Assert.Equal(1, row.Timings.BatchSize);
    }

    [Fact]
    public async Task RunAsync_DeadlinePassesInTheQueue_IsNotComputed()
    {
        var batcher = Start();
        var gate = await BlockRunner(batcher);
        var late = batcher.RunAsync(Input([1]), true, _clock.GetUtcNow() + TimeSpan.FromSeconds(1), Token);
        var patient = batcher.RunAsync(Input([1]), true, _clock.GetUtcNow() + TimeSpan.FromSeconds(9), Token);
        _clock.Advance(TimeSpan.FromSeconds(1));
        gate.Open();
        await Assert.ThrowsAsync<DeadlineExceededException>(() => late);
        using var row = await patient;
        Assert.Equal(1, row.Timings.BatchSize);
    }

    [Fact]
    public async Task RunAsync_RunFails_FailsItsRowsAndTheWorkerLivesOn()
    {
        var batcher = Start();
        await Assert.ThrowsAsync<ModelRunException>(() => Run(batcher, [20]));
        using var row = await Run(batcher, [19]);
        Assert.Equal(Model.ExpectedLogits([19])[1], row.Logits[1], 1e-4);
    }

    [Fact]
    public async Task RunAsync_Linger_WaitsForTheDelayThenDispatches()
    {
        var batcher = Start(new BatcherOptions { MaxQueueDelay = TimeSpan.FromMilliseconds(100) });
        var first = Run(batcher, [1]);
        var second = Run(batcher, [2]);
        Assert.False(first.IsCompleted);
        // The worker sets its timer some time after the row arrived: advance until it has seen the delay pass.
        while (!first.IsCompleted)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        using var a = await first;
        using var b = await second;
        Assert.Equal((2, 2), (a.Timings.BatchSize, b.Timings.BatchSize));
    }

    [Fact]
    public async Task RunAsync_LingerAndBatchFull_DispatchesAtOnce()
    {
        var batcher = Start(new BatcherOptions { MaxQueueDelay = TimeSpan.FromSeconds(1) });
        var rows = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Run(batcher, [1])));
        Assert.All(rows, r => Assert.Equal(8, r.Timings.BatchSize));
        Array.ForEach(rows, r => r.Dispose());
    }

    [Fact]
    public async Task DisposeAsync_RowsWait_ComputesThemFirst()
    {
        var batcher = Start();
        var gate = await BlockRunner(batcher);
        var waiting = Enumerable.Range(0, 20).Select(i => Run(batcher, [1])).ToArray();
        var disposed = batcher.DisposeAsync().AsTask();
        Assert.False(disposed.IsCompleted);
        gate.Open();
        // Results go back as they come: the runner computes only a few batches ahead of their readers.
        foreach (var task in waiting)
            (await task).Dispose();
        await disposed;
    }

    [Fact]
    public async Task RunAsync_CancelStorm_NoOutputIsLost()
    {
        var batcher = Start();
        for (var round = 0; round < 300; round++)
        {
            using var cancel = new CancellationTokenSource();
            var rows = Enumerable.Range(0, 6).Select(i => batcher.RunAsync(Input([1]), true, DateTimeOffset.MaxValue, cancel.Token)).ToArray();
            await cancel.CancelAsync();
            foreach (var row in rows)
            {
                try
                {
                    (await row).Dispose();
                }
                catch (OperationCanceledException)
                {
                    // Either way is right; what counts is that the memory comes back.
                }
            }

            // Once four outputs had not come back, this would wait for ever. It also keeps the queue from filling up.
            using var last = await Run(batcher, [1]).WaitAsync(TimeSpan.FromSeconds(30), Token);
            Assert.Equal(1, last.Timings.BatchSize);
        }
    }

    private static EncoderInput Input(int[] history) => new(history, default);

    private static Task<RowResult> Run(Batcher batcher, int[] history, bool wantsLogits = true) =>
        batcher.RunAsync(Input(history), wantsLogits, DateTimeOffset.MaxValue, Token);

    private Batcher Start(BatcherOptions? options = null) =>
        _batcher = new Batcher(_runner, options ?? new BatcherOptions(), _clock, _metrics.ForVersion("toy", 1), NullLogger.Instance);

    /// <summary>
    /// Keeps the worker busy: it computes only a few batches ahead of their readers, so results that nobody gives back
    /// stop it at a known point.
    /// </summary>
    private async Task<Gate> BlockRunner(Batcher batcher)
    {
        var held = new List<RowResult>();
        for (var i = 0; i < 4; i++)
            held.Add(await Run(batcher, [1]));
        var seen = _clock.WorkerReads;
        var blocked = Run(batcher, [1]);
        // The worker reads the clock once the batch is formed; it then waits for memory and takes no more rows.
        while (_clock.WorkerReads == seen)
            await Task.Yield();
        return new Gate(held, blocked);
    }

    private sealed class WorkerClock : FakeTimeProvider
    {
        private int _workerReads;

        internal int WorkerReads => Volatile.Read(ref _workerReads);

        public override long GetTimestamp()
        {
            if (Thread.CurrentThread.Name?.StartsWith("batcher", StringComparison.Ordinal) == true)
                Interlocked.Increment(ref _workerReads);
            return base.GetTimestamp();
        }
    }

    private sealed class Gate(List<RowResult> held, Task<RowResult> blocked)
    {
        internal void Open()
        {
            held.ForEach(r => r.Dispose());
            _ = blocked.ContinueWith(t => t.Result.Dispose(), TaskScheduler.Default);
        }
    }
}

internal static class TaskExtensions
{
    /// <summary>For a call that is expected to throw before it returns its task.</summary>
    internal static void Ignore(this Task task) => _ = task;
}
