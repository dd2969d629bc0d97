using RecoServe.Engine.Batching;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>Rows that are computed by the thread that brings them.</summary>
public sealed class BatcherCallersThreadTests : BatcherFixture
{
    private static readonly TimeSpan Quick = TimeSpan.FromMicroseconds(100);
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(5);

    private readonly System.Collections.Concurrent.ConcurrentQueue<int> _threads = new();

    [Fact]
    public async Task RunAsync_NothingWaitsAndTheRowIsQuick_ItsCallerComputesIt()
    {
        await StartAsleep(Quick);
        var task = Batcher.RunAsync(Request([7]), Token);
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal([Environment.CurrentManagedThreadId], _threads);
        Assert.Equal(7, await Read(task));
    }

    [Fact]
    public async Task RunAsync_RowIsSlow_IsLeftToTheBatchersThread()
    {
        await StartAsleep(Slow);
        Assert.Equal(7, await Run([7]));
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, _threads);
    }

    [Fact]
    public async Task RunAsync_CostIsUnknown_IsLeftToTheBatchersThread()
    {
        Start();
        await AllAsleep();
        Runner.OnRun = _ => _threads.Enqueue(Environment.CurrentManagedThreadId);
        Assert.Equal(7, await Run([7]));
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, _threads);
    }

    [Fact]
    public async Task RunAsync_RowsAreToWaitForOthers_IsLeftToTheBatchersThread()
    {
        await StartAsleep(Quick, options: new BatcherOptions { MaxQueueDelay = TimeSpan.FromMilliseconds(1) });
        Runner.Hold();
        var task = Run([7]);
        Clock.Advance(TimeSpan.FromMilliseconds(2));
        Runner.LetGo();
        Assert.Equal(7, await task);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, _threads);
    }

    [Fact]
    public async Task RunAsync_OtherVersionHasTheTurn_IsLeftToTheBatchersThread()
    {
        Gate = new RunGate(1);
        await StartAsleep(Quick);
        var share = new RunShare();
        Gate.Enter(share);
        var task = Run([7]);
        Assert.False(task.IsCompleted);
        Gate.Leave(share, TimeSpan.Zero);
        Assert.Equal(7, await task);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, _threads);
    }

    [Fact]
    public async Task RunAsync_RowsComeWhileACallerComputes_AreComputedTogetherAfterIt()
    {
        await StartAsleep(Quick);
        Runner.Hold();
        var first = Task.Run(() => Run([1]), Token);
        await Runner.EnteredAsync();
        var others = Enumerable.Range(2, 4).Select(i => Run([i])).ToArray();
        Runner.LetGo();
        Assert.Equal((float[])[1, 2, 3, 4, 5], await Task.WhenAll([first, .. others]));
        Assert.Equal([[1], [2, 3, 4, 5]], Runner.Batches);
    }

    /// <summary>One pulse may wake the thread of the runner that a caller has.</summary>
    [Fact]
    public async Task RunAsync_OneRunnerIsLent_OtherTakesTheNextRows()
    {
        for (var round = 0; round < 20; round++)
        {
            await using var other = new BatcherCallersThreadTests();
            await other.StartAsleep(Quick, instances: 2);
            foreach (var runner in other.Runners)
                runner.Hold();
            var lent = Task.Run(() => other.Run([1]), Token);
            await Task.WhenAny(other.Runners.Select(r => r.EnteredAsync()));
            var next = Task.Run(() => other.Run([2]), Token);
            await Task.WhenAll(other.Runners.Select(async r =>
            {
                while (r.Batches.IsEmpty)
                    await Task.Yield();
            })).WaitAsync(TimeSpan.FromSeconds(30), Token);
            foreach (var runner in other.Runners)
                runner.LetGo();
            Assert.Equal((float[])[1, 2], await Task.WhenAll(lent, next));
        }
    }

    [Fact]
    public async Task RunAsync_RunFails_CallerIsTold()
    {
        await StartAsleep(Quick);
        Runner.OnRun = _ => throw new InvalidOperationException("broken");
        var e = await Assert.ThrowsAsync<ModelRunException>(() => Run([7]));
        Assert.Equal("broken", e.InnerException!.Message);
        Runner.OnRun = _ => { };
        Assert.Equal(8, await Run([8]));
    }

    [Fact]
    public async Task Dispose_WhileACallerComputes_WaitsForIt()
    {
        await StartAsleep(Quick);
        Runner.Hold();
        var task = Task.Run(() => Run([1]), Token);
        await Runner.EnteredAsync();
        var disposing = Batcher.DisposeAsync().AsTask();
        Assert.False(disposing.IsCompleted);
        Runner.LetGo();
        Assert.Equal(1, await task);
        await disposing.WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    private async Task StartAsleep(TimeSpan cost, BatcherOptions? options = null, int instances = 1)
    {
        Teach(cost, TimeSpan.Zero, TimeSpan.Zero);
        Start(options: options, instances: instances);
        await AllAsleep();
        Runner.OnRun = _ => _threads.Enqueue(Environment.CurrentManagedThreadId);
    }

    private async Task AllAsleep()
    {
        while (Batcher.SleepingWorkers < Runners.Count)
            await Task.Yield();
    }
}
