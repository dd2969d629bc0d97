using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>What becomes of a row: its batch, its order, its end.</summary>
public sealed class BatcherTests : BatcherFixture
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task RunAsync_ManyCallers_EachGetsItsOwnRow()
    {
        Start(instances: 3);
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => Task.Run(
            async () =>
            {
                int[] history = [.. Enumerable.Range(i % 700, i % 11)];
                Assert.Equal(history.Sum(), await Run(history, wantsLogits: i % 3 != 0));
            },
            Token)));
    }

    [Fact]
    public async Task RunAsync_RunnerBusy_NextBatchTakesAllThatWaits()
    {
        await StartBusy();
        var waiting = Enumerable.Range(1, 11).Select(i => Run([i])).ToArray();
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal([1, 8, 3], Runner.Batches.Select(b => b.Length)); // 8 is the largest batch
    }

    [Fact]
    public async Task RunAsync_RowsWantLogits_StandFirstInTheBatch()
    {
        await StartBusy();
        var waiting = Enumerable.Range(1, 6).Select(i => Run([i], wantsLogits: i % 2 == 0)).ToArray();
        Runner.LetGo();
        Assert.Equal(new float[] { 1, 2, 3, 4, 5, 6 }, await Task.WhenAll(waiting));
        Assert.Equal([2, 4, 6, 1, 3, 5], Runner.Batches.Last());
    }

    [Fact]
    public async Task RunAsync_DeadlinesDiffer_EarliestIsComputedFirst()
    {
        await StartBusy(maxBatchSize: 1);
        var order = new[] { 300, 100, 400, 200 };
        var waiting = order.Select(ms => Run([ms], ms * Millisecond)).ToArray();
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal([100, 200, 300, 400], Runner.Batches.Skip(1).Select(b => b[0]));
    }

    [Fact]
    public async Task RunAsync_PrioritiesDiffer_HigherIsComputedFirstWhateverItsDeadline()
    {
        await StartBusy(maxBatchSize: 1);
        Task<float>[] waiting =
        [
            Run([3], 100 * Millisecond, RequestPriority.Low), Run([2], 200 * Millisecond), Run([1], 900 * Millisecond, RequestPriority.High),
        ];
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal([1, 2, 3], Runner.Batches.Skip(1).Select(b => b[0]));
    }

    [Fact]
    public async Task RunAsync_LowPriorityWaitsLong_RisesAndIsNotOvertakenForEver()
    {
        await StartBusy(maxBatchSize: 1);
        var low = Run([100], priority: RequestPriority.Low);
        var later = new List<Task<float>>();
        for (var i = 1; i <= 12; i++) // something more urgent every 200 ms; patience is a second a level
        {
            Clock.Advance(200 * Millisecond);
            later.Add(Run([i]));
            Runner.LetGo(1);
            await Runner.EnteredAsync();
        }

        Runner.LetGo();
        await Task.WhenAll([low, .. later]);
        var place = Runner.Batches.Skip(1).Select(b => b[0]).ToList().IndexOf(100);
        Assert.InRange(place, 4, 7);
    }

    [Fact]
    public async Task RunAsync_NoDeadline_IsNotOvertakenForEverByThoseWithOne()
    {
        await StartBusy(maxBatchSize: 1, new BatcherOptions { RefuseHopeless = false });
        var patient = Run([100]);
        var urgent = new List<Task<float>>();
        for (var i = 1; i <= 12; i++)
        {
            Clock.Advance(200 * Millisecond);
            urgent.Add(Run([i], 500 * Millisecond));
            Runner.LetGo(1);
            await Runner.EnteredAsync();
        }

        Runner.LetGo();
        await Task.WhenAll([patient, .. urgent]);
        Assert.InRange(Runner.Batches.Skip(1).Select(b => b[0]).ToList().IndexOf(100), 1, 4);
    }

    /// <summary>A turn that a worker kept for rows that then went away would be lost to all other versions.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunAsync_RowsThatATurnWasKeptForGoAway_TheTurnIsFree(bool stopping)
    {
        Gate = new RunGate(1);
        await StartBusy(maxBatchSize: 1);
        using var cancel = new CancellationTokenSource();
        var (computed, gone) = (Run([1]), Run([2], token: cancel.Token));
        Runner.LetGo(1);
        await Runner.EnteredAsync(); // with the second still in the queue
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        var stopped = stopping ? Batcher.DisposeAsync().AsTask() : Task.CompletedTask;
        Runner.LetGo();
        await stopped;
        Assert.Equal((999, 1), (await Busy, await computed));
        await Task.Run(() => Gate.Enter(new RunShare()), Token).WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    /// <summary>The others must not wait for whoever reads slowly.</summary>
    [Fact]
    public async Task RunAsync_NoMemoryIsFree_TheTurnIsGivenBack()
    {
        Gate = new RunGate(1);
        var batcher = await StartBusy(maxBatchSize: 1);
        var rows = Enumerable.Range(1, 5).Select(i => batcher.RunAsync(Request([i]), Token)).ToArray();
        Runner.LetGo();
        await Busy;
        var held = await Task.WhenAll(rows[..4]);
        var other = new RunShare();
        var turn = Task.Run(() => Gate.Enter(other), Token);
        await Task.WhenAny(turn, Task.Delay(TimeSpan.FromSeconds(30), TimeProvider.System, Token));
        var hasTurn = turn.IsCompleted;
        foreach (var row in held)
            row.Dispose();
        await turn;
        Gate.Leave(other, TimeSpan.Zero);
        Assert.True(hasTurn);
        Assert.Equal(5, await Read(rows[4]));
    }

    /// <summary>However many runners each has: the time is the versions', not the workers'.</summary>
    [Fact]
    public async Task RunAsync_TwoVersionsAreBusy_EachHasHalfOfTheTime()
    {
        Gate = new RunGate(1);
        var first = new RunShare();
        Gate.Enter(first);
        var (turns, counted) = (new List<int>(), 30);
        Batcher<EncoderInput, BatchOutput>[] versions = [Start(maxBatchSize: 1, instances: 2), Start(maxBatchSize: 1)];
        foreach (var runner in Runners)
        {
            runner.OnRun = _ =>
            {
                if (turns.Count >= counted)
                    return;
                turns.Add(runner == Runners[2] ? 1 : 0);
                // All others wait for a turn: they always have something to run.
                Assert.True(SpinWait.SpinUntil(() => Gate.Waiting == 2, TimeSpan.FromSeconds(30)));
                Clock.Advance(10 * Millisecond);
            };
        }

        var rows = versions.SelectMany(version => Enumerable.Range(1, 60).Select(i => Read(version.RunAsync(Request([i]), Token)))).ToArray();
        while (Gate.Waiting < 3)
            await Task.Yield();
        Gate.Leave(first, TimeSpan.Zero);
        await Task.WhenAll(rows);
        Assert.InRange(turns.Count(version => version == 1), 13, 17);
    }

    [Fact]
    public async Task RunAsync_QueueFull_IsRefusedAtOnce()
    {
        await StartBusy(options: new BatcherOptions { QueueCapacity = 5 });
        var waiting = Enumerable.Range(1, 4).Select(i => Run([i])).ToList();
        Assert.Null(Batcher.FullFor);
        waiting.Add(Run([5]));
        Assert.True(Batcher.FullFor > TimeSpan.Zero);
        var refused = await Assert.ThrowsAsync<OverloadedException>(() => Run([6]));
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
        Assert.Equal(refused.RetryAfter, Batcher.FullFor);
        Assert.Equal(5, Batcher.QueueLength);
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Null(Batcher.FullFor);
    }

    [Fact]
    public async Task RunAsync_InputsHoldTooMuchMemory_IsRefusedAtOnce()
    {
        await StartBusy(options: new BatcherOptions { QueueBytes = 1 << 16 });
        var waiting = Enumerable.Range(1, 3).Select(i => Run(new int[5000])).ToArray();
        await Assert.ThrowsAsync<OverloadedException>(() => Run(new int[5000]));
        var small = Run([1]);
        Runner.LetGo();
        await Task.WhenAll([.. waiting, small]);
    }

    [Fact]
    public async Task RunAsync_CancelledWhileTheRunnerIsBusy_LeavesTheQueueAtOnce()
    {
        await StartBusy();
        using var cancel = new CancellationTokenSource();
        var neighbour = Run([1]);
        var cancelled = Run([2], token: cancel.Token);
        Assert.Equal(2, Batcher.QueueLength);
        await cancel.CancelAsync();
        Assert.Equal(1, Batcher.QueueLength);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Runner.LetGo();
        Assert.Equal(1, await neighbour);
        Assert.Equal([1], Runner.Batches.Last());
    }

    [Fact]
    public async Task RunAsync_CancelledBefore_IsNotQueued()
    {
        await StartBusy();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Run([2], token: new CancellationToken(canceled: true)));
        Assert.Equal(0, Batcher.QueueLength);
    }

    [Fact]
    public async Task RunAsync_CancelledWhileItIsComputed_EndsAtOnceAndItsMemoryComesBack()
    {
        Start();
        Runner.Hold();
        using var cancel = new CancellationTokenSource();
        var cancelled = Run([1], token: cancel.Token);
        await Runner.EnteredAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Runner.LetGo();
        Assert.Equal(2, await Run([2])); // the fixture checks the memory
    }

    [Fact]
    public async Task RunAsync_DeadlinePassesWhileTheRunnerIsBusy_EndsAtThatTime()
    {
        await StartBusy();
        var late = Run([1], 10 * Millisecond);
        var patient = Run([2], 30 * Millisecond);
        Clock.Advance(9 * Millisecond);
        Assert.False(late.IsCompleted);
        Clock.Advance(1 * Millisecond);
        await Assert.ThrowsAsync<DeadlineExceededException>(() => late); // the runner is still busy
        Assert.Equal(1, Batcher.QueueLength);
        Clock.Advance(20 * Millisecond);
        await Assert.ThrowsAsync<DeadlineExceededException>(() => patient);
        Runner.LetGo();
        await Busy;
        Assert.Single(Runner.Batches);
    }

    [Fact]
    public async Task RunAsync_DeadlineHasPassed_IsRefused()
    {
        await StartBusy();
        await Assert.ThrowsAsync<DeadlineExceededException>(() => Run([1], TimeSpan.Zero));
    }

    [Fact]
    public async Task RunAsync_MachineBusy_BatchFillsUntilItsTurnComes()
    {
        Gate = new RunGate(1);
        var other = new RunShare();
        Gate.Enter(other);
        Start();
        var first = Run([1]);
        while (Runner.OutputsHeld == 0) // the worker has its memory, and waits for its turn
            await Task.Yield();
        var second = Run([2]);
        Gate.Leave(other, Millisecond);
        await Task.WhenAll(first, second);
        Assert.Equal([1, 2], Runner.Batches.Single());
    }

    [Fact]
    public async Task RunAsync_QueueFullOfLowerPriorities_TheLastOfThemMakesRoom()
    {
        await StartBusy(maxBatchSize: 1, new BatcherOptions { QueueCapacity = 3 });
        Task<float>[] low = [Run([1], priority: RequestPriority.Low), Run([2], priority: RequestPriority.Low)];
        var normal = Run([3]);
        Assert.Null(Batcher.FullFor); // there is room to be made
        var high = Run([4], priority: RequestPriority.High);
        var refused = await Assert.ThrowsAsync<OverloadedException>(() => low[1]);
        Assert.Contains("2 rows wait, and one of higher priority came", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
        await Assert.ThrowsAsync<OverloadedException>(() => Run([5], priority: RequestPriority.Low));
        var another = Run([6]);
        await Assert.ThrowsAsync<OverloadedException>(() => low[0]);
        await Assert.ThrowsAsync<OverloadedException>(() => Run([7]));
        Assert.True(Batcher.FullFor > TimeSpan.Zero);
        Runner.LetGo();
        Assert.Equal(new float[] { 3, 4, 6 }, await Task.WhenAll(normal, high, another));
        Assert.Equal([4, 3, 6], Runner.Batches.Skip(1).Select(b => b[0]));
    }

    /// <summary>Nobody waits for them any more: the rows behind would wait in vain.</summary>
    [Fact]
    public async Task RunAsync_BatchFailsLate_RowsThatHaveEndedAreNotComputedAgain()
    {
        await StartBusy();
        using var cancel = new CancellationTokenSource();
        Runner.OnRun = rows =>
        {
            if (rows.Length == 1)
                return;
            Clock.Advance(50 * Millisecond);
            cancel.Cancel();
            throw new InvalidOperationException("broken");
        };
        Task<float>[] waiting = [Run([1], 40 * Millisecond), Run([2], token: cancel.Token), Run([3])];
        Runner.LetGo();
        await Assert.ThrowsAsync<DeadlineExceededException>(() => waiting[0]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting[1]);
        Assert.Equal(3, await waiting[2]);
        Assert.Equal(["999", "1,2,3", "3"], Runner.Batches.Select(b => string.Join(',', b)));
    }

    [Fact]
    public async Task RunAsync_EqualInputs_AreComputedOnce()
    {
        await StartBusy(maxBatchSize: 2);
        Task<float>[] waiting = [Run([7]), Run([8], wantsLogits: false), Run([7], wantsLogits: false), Run([7]), Run([8])];
        Runner.LetGo();
        Assert.Equal(new float[] { 7, 8, 7, 7, 8 }, await Task.WhenAll(waiting));
        Assert.Equal([7, 8], Runner.Batches.Skip(1).Single());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RunAsync_EqualInputIsBeingComputed_IsAnsweredWithIt(bool firstWantsLogits)
    {
        Start();
        Runner.Hold();
        var first = Run([1, 2], wantsLogits: firstWantsLogits);
        await Runner.EnteredAsync();
        var same = Run([1, 2], timeLeft: Millisecond, wantsLogits: firstWantsLogits);
        var other = Run([2, 1]);
        Assert.Equal(1, Batcher.QueueLength);
        var logits = Run([1, 2], wantsLogits: true);
        Assert.Equal(firstWantsLogits ? 1 : 2, Batcher.QueueLength); // what nobody asked for is not computed
        Runner.LetGo();
        Assert.Equal(new float[] { 3, 3, 3, 3 }, await Task.WhenAll(first, same, other, logits));
        Assert.Equal(firstWantsLogits ? ["1", "2"] : ["1", "2,1"], Runner.Batches.Select(b => string.Join(',', b)));
    }

    [Fact]
    public async Task RunAsync_BatchFailsThatItJoined_IsComputedWithTheRowItEquals()
    {
        await StartBusy();
        Runner.OnRun = inputs => Assert.Single(inputs);
        var waiting = new List<Task<float>> { Run([1]), Run([2]) };
        Runner.LetGo(1);
        await Busy;
        await Runner.EnteredAsync();
        waiting.Add(Run([2]));
        Assert.Equal(0, Batcher.QueueLength);
        Runner.LetGo();
        Assert.Equal(new float[] { 1, 2, 2 }, await Task.WhenAll(waiting));
        Assert.Equal(["999", "1,2", "1", "2"], Runner.Batches.Select(b => string.Join(',', b)));
    }

    [Fact]
    public async Task RunAsync_JoinedRowIsCancelled_OthersAreAnswered()
    {
        Start();
        Runner.Hold();
        var first = Run([1]);
        await Runner.EnteredAsync();
        using var cancel = new CancellationTokenSource();
        var cancelled = Run([1], token: cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Runner.LetGo();
        Assert.Equal(1, await first);
    }

    [Fact]
    public async Task RunAsync_EqualInputHasBeenComputed_IsComputedAnew()
    {
        Start();
        await Run([1]);
        await Run([1]);
        Assert.Equal(2, Runner.Batches.Count);
    }

    [Fact]
    public async Task RunAsync_ManyEqualToOneThatIsComputed_NoMoreJoinThanBounded()
    {
        Start(maxBatchSize: 1);
        Runner.Hold();
        var first = Run([1]);
        await Runner.EnteredAsync();
        var more = Enumerable.Range(0, 10).Select(_ => Run([1])).ToArray();
        Assert.Equal(3, Batcher.QueueLength); // eight rows a place
        Runner.LetGo();
        Assert.All(await Task.WhenAll([first, .. more]), answer => Assert.Equal(1, answer));
    }

    [Fact]
    public async Task RunAsync_OneOfEqualRowsIsCancelled_OthersAreComputed()
    {
        await StartBusy();
        using var cancel = new CancellationTokenSource();
        var cancelled = Run([7], token: cancel.Token);
        var same = Run([7]);
        await cancel.CancelAsync();
        Runner.LetGo();
        Assert.Equal(7, await same);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
    }

    [Fact]
    public async Task RunAsync_OneRowPoisonsTheBatch_ItAloneFails()
    {
        await StartBusy();
        Runner.OnRun = rows => Assert.DoesNotContain(rows, r => r.History.Span.Contains(13));
        Task<float>[] waiting = [Run([1]), Run([13]), Run([3]), Run([13])];
        Runner.LetGo();
        Assert.Equal((1, 3), (await waiting[0], await waiting[2]));
        await Assert.ThrowsAsync<ModelRunException>(() => waiting[1]);
        await Assert.ThrowsAsync<ModelRunException>(() => waiting[3]);
        Assert.Equal(["999", "1,13,3", "1", "13", "3"], Runner.Batches.Select(b => string.Join(',', b)));
        Assert.Equal(4, await Run([4]));
    }

    [Fact]
    public async Task RunAsync_LoneRowFails_IsNotRepeated()
    {
        Start();
        Runner.OnRun = _ => throw new InvalidOperationException("broken");
        await Assert.ThrowsAsync<ModelRunException>(() => Run([1]));
        Assert.Single(Runner.Batches);
    }

    [Fact]
    public async Task RunAsync_TwoInstances_ComputeAtTheSameTime()
    {
        Start(maxBatchSize: 1, instances: 2);
        foreach (var runner in Runners)
            runner.Hold();
        Task<float>[] running = [Run([1]), Run([2])];
        await Task.WhenAll(Runners.Select(r => r.EnteredAsync()));
        foreach (var runner in Runners)
            runner.LetGo();
        await Task.WhenAll(running);
    }

    [Fact]
    public async Task DisposeAsync_RowsWait_ComputesThemFirst()
    {
        var batcher = await StartBusy();
        var waiting = Enumerable.Range(0, 20).Select(i => Run([i])).ToArray();
        var disposed = batcher.DisposeAsync().AsTask();
        Assert.False(disposed.IsCompleted);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Run([1]));
        Runner.LetGo();
        await Task.WhenAll(waiting);
        await disposed;
    }

    [Fact]
    public async Task RunAsync_ResultsAreNotRead_ComputesNoFurtherThanThereIsMemory()
    {
        var batcher = Start();
        var held = new List<RowResult<BatchOutput>>();
        for (var i = 0; i < 4; i++)
            held.Add(await batcher.RunAsync(Request([i]), Token));
        var next = Run([5]);
        Assert.Equal(4, Runner.Batches.Count);
        held.ForEach(r => r.Dispose());
        Assert.Equal(5, await next);
    }

    [Fact]
    public async Task RunAsync_CancelStorm_NoOutputIsLost()
    {
        Start();
        for (var round = 0; round < 300; round++)
        {
            using var cancel = new CancellationTokenSource();
            var rows = Enumerable.Range(0, 6).Select(i => Run([i], token: cancel.Token)).ToArray();
            await cancel.CancelAsync();
            foreach (var row in rows)
            {
                try
                {
                    await row;
                }
                catch (OperationCanceledException)
                {
                    // Either way is right; what counts is that the memory comes back.
                }
            }

            Assert.Equal(7, await Run([7]).WaitAsync(TimeSpan.FromSeconds(30), Token));
        }
    }
}
