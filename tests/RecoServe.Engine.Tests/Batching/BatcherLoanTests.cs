using RecoServe.Engine.Batching;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>A row that comes alone is computed on its caller's thread.</summary>
public sealed class BatcherLoanTests : BatcherFixture
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task RunAsync_RunnerIdle_ComputesOnTheCallersThread()
    {
        Start(instances: 2);
        foreach (var item in (int[])[1, 2, 3])
        {
            var (thread, ran) = (Environment.CurrentManagedThreadId, -1);
            foreach (var runner in Runners)
                runner.OnRun = _ => ran = Environment.CurrentManagedThreadId;
            var row = RunHere([item]);
            Assert.True(row.IsCompleted);
            Assert.Equal((item, thread), (await row, ran));
        }
    }

    [Fact]
    public async Task RunAsync_RunnerBusy_WaitsForItsThread()
    {
        await StartBusy();
        var row = Batcher.RunAsync(Request([1]) with { OnCallersThread = true }, Token);
        Assert.False(row.IsCompleted);
        Assert.Equal(1, Batcher.QueueLength);
        Runner.LetGo();
        Assert.Equal((1, 999), (await Read(row), await Busy));
    }

    [Fact]
    public async Task RunAsync_RunnerIsLent_WhatComesMeanwhileIsTheNextBatchOfItsThread()
    {
        Start();
        Runner.Hold();
        var caller = Task.Run(() => RunHere([999]), Token);
        await Runner.EnteredAsync();
        Assert.Equal(0, Batcher.IdleWorkers);
        var waiting = Enumerable.Range(1, 3).Select(i => Batcher.RunAsync(Request([i]) with { OnCallersThread = i % 2 == 0 }, Token)).ToArray();
        Assert.All(waiting, row => Assert.False(row.IsCompleted));
        Runner.LetGo();
        var states = await Task.WhenAll(waiting.Select(Read));
        Assert.Equal([1, 2, 3], states);
        Assert.Equal(999, await caller);
        Assert.Equal([1, 3], Runner.Batches.Select(b => b.Length));
    }

    [Fact]
    public async Task RunAsync_OneRunnerIsLent_TheOthersThreadsGoOn()
    {
        Start(instances: 3);
        foreach (var runner in Runners)
            runner.Hold();
        var caller = Task.Run(() => RunHere([999]), Token);
        Assert.True(SpinWait.SpinUntil(() => Runners.Sum(r => r.Batches.Count) == 1, TimeSpan.FromSeconds(30)));
        var lent = Runners.Single(r => !r.Batches.IsEmpty);
        foreach (var runner in Runners.Except([lent]))
            runner.LetGo();
        for (var i = 1; i <= 50; i++)
            Assert.Equal(i, await Run([i]));
        lent.LetGo();
        Assert.Equal(999, await caller);
    }

    [Fact]
    public async Task RunAsync_LongRun_IsLeftToTheRunnersThread()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        Start();
        var (thread, ran) = (Environment.CurrentManagedThreadId, -1);
        Runner.OnRun = _ => ran = Environment.CurrentManagedThreadId;
        var row = RunHere([1]);
        Assert.Equal(1, await row);
        Assert.NotEqual(thread, ran);
    }

    [Fact]
    public async Task RunAsync_NoTurnFree_WaitsForNothingOnTheCallersThread()
    {
        Gate = new RunGate(1);
        var other = new RunShare();
        Gate.Enter(other);
        Start();
        var row = RunHere([1]);
        Assert.False(row.IsCompleted);
        Gate.Leave(other, TimeSpan.Zero);
        Assert.Equal(1, await row);
        Assert.True(RunHere([2]).IsCompleted);
    }

    [Fact]
    public async Task RunAsync_NoMemoryFree_WaitsForNothingOnTheCallersThread()
    {
        Start();
        var held = new List<IDisposable>();
        while (Runner.TryReserve() is { } output)
            held.Add(new Release(output.Release));
        var row = RunHere([1]);
        Assert.False(row.IsCompleted);
        held.ForEach(output => output.Dispose());
        Assert.Equal(1, await row);
    }

    [Fact]
    public async Task RunAsync_MoreRowsAreWorthTheWait_Lingers()
    {
        Start(options: new BatcherOptions { MaxQueueDelay = TimeSpan.FromSeconds(1) });
        var row = RunHere([1]);
        Assert.False(row.IsCompleted);
        await Task.WhenAll([row, .. Enumerable.Range(2, 7).Select(i => Run([i]))]);
        Assert.Equal(8, Runner.Batches.Single().Length);
    }

    [Fact]
    public async Task RunAsync_RunFailsOnTheCallersThread_FailsAlone()
    {
        Start();
        Runner.OnRun = rows => throw new InvalidOperationException("poison");
        await Assert.ThrowsAsync<ModelRunException>(() => RunHere([13]));
        Runner.OnRun = _ => { };
        Assert.Equal(1, await RunHere([1]));
    }

    [Fact]
    public async Task RunAsync_CallerHasGone_GivesTheRunnerBack()
    {
        Start();
        using var cancel = new CancellationTokenSource();
        Runner.OnRun = _ => cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunHere([1], cancel.Token));
        Runner.OnRun = _ => { };
        Assert.Equal(2, await RunHere([2]));
    }

    [Fact]
    public async Task DisposeAsync_RunnerIsLent_WaitsForItsReturn()
    {
        Start();
        Runner.Hold();
        var caller = Task.Run(() => RunHere([1]), Token);
        await Runner.EnteredAsync();
        var stopping = Batcher.DisposeAsync().AsTask();
        await Task.Delay(20 * Millisecond, TimeProvider.System, Token);
        Assert.False(stopping.IsCompleted);
        Runner.LetGo();
        await stopping.WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Equal(1, await caller);
    }

    private sealed class Release(Action release) : IDisposable
    {
        public void Dispose() => release();
    }
}
