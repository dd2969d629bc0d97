using RecoServe.Engine.Batching;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>What the batcher does with what it knows of the time that batches take.</summary>
public sealed class BatcherSchedulingTests : BatcherFixture
{
    private static readonly TimeSpan Microsecond = TimeSpan.FromMicroseconds(1);
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task RunAsync_LongRowAmongShort_IsComputedApart()
    {
        Teach(100 * Microsecond, 10 * Microsecond, 5 * Microsecond);
        await StartBusy();
        var waiting = Enumerable.Range(1, 5).Select(i => Run(History(i, 3))).Prepend(Run(History(100, 3))).Append(Run(History(50, 50))).ToArray();
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal(["100,1,2,3,4,5", "50"], Runner.Batches.Skip(1).Select(b => string.Join(',', b)));
    }

    [Fact]
    public async Task RunAsync_PaddingCostsLessThanARun_LongRowIsComputedWithTheShort()
    {
        Teach(100 * Microsecond, 10 * Microsecond, 0.01 * Microsecond);
        await StartBusy();
        var waiting = Enumerable.Range(1, 5).Select(i => Run(History(i, 3))).Append(Run(History(50, 50))).ToArray();
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal([1, 2, 3, 4, 5, 50], Runner.Batches.Skip(1).Single().Order());
    }

    [Fact]
    public async Task RunAsync_LongRowIsMostUrgent_TakesNoShortOnesAlong()
    {
        Teach(100 * Microsecond, 10 * Microsecond, 5 * Microsecond);
        await StartBusy();
        var waiting = Enumerable.Range(1, 5).Select(i => Run(History(i, 3))).Prepend(Run(History(50, 50))).ToArray();
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal(["50", "1,2,3,4,5"], Runner.Batches.Skip(1).Select(b => string.Join(',', b)));
    }

    [Fact]
    public async Task RunAsync_NoTimeForAnyAnswer_IsRefusedAtOnceWithDeadlineExceeded()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy();
        var waiting = Run([1]);
        await Assert.ThrowsAsync<DeadlineExceededException>(() => Run([2], 15 * Millisecond));
        Assert.Equal(1, Batcher.QueueLength);
        Runner.LetGo();
        await waiting;
    }

    [Fact]
    public async Task RunAsync_TooMuchWaitsBefore_IsRefusedAtOnceAndToldWhenToRetry()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero); // 28 ms a batch of 8
        await StartBusy();
        var waiting = Enumerable.Range(1, 24).Select(i => Run([i], priority: RequestPriority.High)).ToArray();
        // The busy run and three batches: 21 + 3 × 28 ms.
        var refused = await Assert.ThrowsAsync<OverloadedException>(() => Run([25], 110 * Millisecond));
        Assert.InRange(refused.RetryAfter, 100 * Millisecond, 110 * Millisecond);
        var urgent = Run([26], 110 * Millisecond, RequestPriority.High); // the earliest of its level
        var late = Run([27], 140 * Millisecond);
        Runner.LetGo();
        await Task.WhenAll([.. waiting, urgent, late]);
    }

    [Fact]
    public async Task RunAsync_EarlierDeadlineThanAllThatWait_IsAdmitted()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy();
        var waiting = Enumerable.Range(1, 24).Select(i => Run([i], 900 * Millisecond)).ToArray();
        var urgent = Run([25], 60 * Millisecond);
        Runner.LetGo();
        await Task.WhenAll([.. waiting, urgent]);
        Assert.Equal(25, Runner.Batches.Skip(1).First()[0]);
    }

    [Fact]
    public async Task RunAsync_OthersWouldMakeItLate_TheUrgentRowGoesWithFewer()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero); // 21 ms alone, 23 with two more, 28 with seven
        await StartBusy();
        var waiting = Enumerable.Range(1, 7).Select(i => Run([i], 900 * Millisecond)).ToArray();
        Runner.OnRun = rows => Clock.Advance((20 + rows.Length) * Millisecond);
        var urgent = Run([25], 44 * Millisecond); // after the busy run of 21 ms
        Runner.LetGo();
        await Task.WhenAll([.. waiting, urgent]);
        Assert.Equal([1, 3, 5], Runner.Batches.Select(b => b.Length));
        Assert.Equal(25, Runner.Batches.ElementAt(1)[0]);
    }

    /// <summary>Under overload all are short of time: batches that shrink for the first one would cost the others theirs.</summary>
    [Fact]
    public async Task RunAsync_AllAreShortOfTime_BatchesStayLarge()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy(options: new BatcherOptions { RefuseHopeless = false });
        var waiting = Enumerable.Range(1, 8).Select(i => Run([i], (i == 1 ? 23 : 45) * Millisecond)).ToArray();
        Runner.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal([1, 8], Runner.Batches.Select(b => b.Length));
    }

    [Fact]
    public async Task RunAsync_RunnerIsBusyTooLong_IsRefusedThoughNothingElseWaits()
    {
        Teach(100 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy();
        var refused = await Assert.ThrowsAsync<OverloadedException>(() => Run([1], 120 * Millisecond));
        Assert.InRange(refused.RetryAfter, 90 * Millisecond, 110 * Millisecond);
        Clock.Advance(200 * Millisecond); // the estimate was wrong: nothing is known of when the runner will be free
        var taken = Run([2], 120 * Millisecond);
        Runner.LetGo();
        Assert.Equal(2, await taken);
    }

    [Fact]
    public async Task RunAsync_VersionsShareTheMachine_TheWaitForATurnCounts()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        Gate = new RunGate(1);
        await StartBusy();
        Runner.OnRun = _ => Clock.Advance(21 * Millisecond);
        var first = Run([1]);
        var other = new RunShare();
        var turn = Task.Run(() => Gate.Enter(other), Token);
        await WaitingAsync(1);
        Runner.LetGo(1);
        await turn;
        await Busy; // read before the time passes
        await WaitingAsync(1); // the batcher's worker, since it ended its run
        Clock.Advance(50 * Millisecond);
        Gate.Leave(other, 50 * Millisecond);
        await Runner.EnteredAsync();
        // The present run of 21 ms, a turn of 50 and a run of its own.
        var refused = await Assert.ThrowsAsync<OverloadedException>(() => Run([2], 80 * Millisecond).WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.InRange(refused.RetryAfter, 70 * Millisecond, 72 * Millisecond);
        var taken = Run([3], 100 * Millisecond);
        Runner.LetGo();
        await Task.WhenAll(first, taken);

        async Task WaitingAsync(int turns)
        {
            while (Gate.Waiting != turns)
                await Task.Yield();
        }
    }

    [Fact]
    public async Task RunAsync_RefuseHopelessIsOff_WaitsAndExpires()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy(options: new BatcherOptions { RefuseHopeless = false });
        var neighbour = Run([1]);
        var hopeless = Run([2], 15 * Millisecond);
        Assert.Equal(2, Batcher.QueueLength);
        Clock.Advance(15 * Millisecond);
        await Assert.ThrowsAsync<DeadlineExceededException>(() => hopeless);
        Runner.LetGo();
        await neighbour;
    }

    [Fact]
    public async Task RunAsync_EstimateFarTooHigh_IsCorrectedByWhatIsComputed()
    {
        Teach(TimeSpan.FromSeconds(50), Millisecond, TimeSpan.Zero);
        Start();
        Runner.OnRun = _ => Clock.Advance(Millisecond);
        for (var i = 0; i < 200; i++)
            Assert.Equal(i, await Run([i], 100 * Millisecond)); // the queue is empty: it is open, whatever the estimate says
        Assert.InRange(Cost.Of(1, 2), TimeSpan.Zero, 20 * Millisecond);
    }

    [Fact]
    public async Task RunAsync_IdleAfterARowThatWaitedWentAway_IsNotTakenForTimeBetweenRuns()
    {
        await StartBusy(maxBatchSize: 1, new BatcherOptions { QueueCapacity = 2 });
        using var cancel = new CancellationTokenSource();
        var first = Run([1]);
        var waits = Run([2], token: cancel.Token);
        Runner.LetGo(1);
        await Runner.EnteredAsync(); // the second row waits when the first is dispatched
        await cancel.CancelAsync();
        await Task.WhenAny(waits);
        Runner.LetGo(1);
        await first;
        Clock.Advance(TimeSpan.FromMinutes(1));
        var later = Run([3]);
        await Runner.EnteredAsync();
        Task<float>[] queued = [Run([4]), Run([5])];
        var refused = await Assert.ThrowsAsync<OverloadedException>(() => Run([6]));
        Assert.InRange(refused.RetryAfter, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Runner.LetGo();
        await Task.WhenAll([later, .. queued]);
    }

    [Fact]
    public async Task RunAsync_RowCannotBeInTime_MakesWayForThoseThatCan()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy(maxBatchSize: 8, new BatcherOptions { RefuseHopeless = false });
        var hopeless = Run([1], 15 * Millisecond);
        var other = Run([2], 100 * Millisecond);
        Runner.LetGo();
        Assert.Equal(2, await other);
        Assert.Equal([2], Runner.Batches.Skip(1).First());
        // Alone, it is computed all the same: the estimate may be wrong.
        Assert.Equal(1, await hopeless);
    }

    [Fact]
    public async Task RunAsync_NothingKnownYet_LingersForTheWholeDelayThenDispatches()
    {
        Start(options: new BatcherOptions { MaxQueueDelay = 100 * Millisecond });
        var first = Run([1]);
        Clock.Advance(50 * Millisecond);
        var second = Run([2]);
        Clock.Advance(49 * Millisecond);
        Assert.False(first.IsCompleted);
        await AdvanceUntil(first, Millisecond);
        Assert.Equal((1, 2), (await first, await second));
        Assert.Equal([1, 2], Runner.Batches.Single());
        Assert.InRange(Clock.GetUtcNow() - Clock.Start, 100 * Millisecond, 110 * Millisecond);
    }

    [Fact]
    public async Task RunAsync_LingerAndBatchFull_DispatchesAtOnce()
    {
        Start(options: new BatcherOptions { MaxQueueDelay = TimeSpan.FromSeconds(1) });
        await Task.WhenAll(Enumerable.Range(1, 8).Select(i => Run([i])));
        Assert.Equal(8, Runner.Batches.Single().Length);
    }

    [Fact]
    public async Task RunAsync_RowsComeTooSeldomToRepayTheWait_DoesNotLinger()
    {
        Teach(Millisecond, 0.1 * Millisecond, TimeSpan.Zero);
        Start(options: new BatcherOptions { MaxQueueDelay = 100 * Millisecond });
        await ArriveEvery(30 * Millisecond);
        Assert.Equal(8, await Run([8])); // the clock stands still: it did not wait
    }

    [Fact]
    public async Task RunAsync_RowsComeOftenAndRunsAreDear_Lingers()
    {
        Teach(50 * Millisecond, 0.1 * Millisecond, TimeSpan.Zero);
        Start(options: new BatcherOptions { MaxQueueDelay = 100 * Millisecond });
        await ArriveEvery(Millisecond);
        Runner.Batches.Clear();
        var first = Run([8]);
        Clock.Advance(Millisecond);
        var second = Run([9]);
        await AdvanceUntil(first, 10 * Millisecond);
        Assert.Equal((8, 9), (await first, await second));
        Assert.Equal([8, 9], Runner.Batches.Single());
    }

    [Fact]
    public async Task RunAsync_LingerWouldMissTheDeadline_DispatchesInTime()
    {
        Teach(50 * Millisecond, 0.1 * Millisecond, TimeSpan.Zero);
        Start(options: new BatcherOptions { MaxQueueDelay = TimeSpan.FromSeconds(1) });
        await ArriveEvery(Millisecond);
        var start = Clock.GetUtcNow();
        var row = Run([8], 80 * Millisecond);
        await AdvanceUntil(row, Millisecond);
        Assert.Equal(8, await row);
        Assert.InRange(Clock.GetUtcNow() - start, TimeSpan.Zero, 60 * Millisecond);
    }

    /// <summary>The row that must be in time is not the first in order.</summary>
    [Fact]
    public async Task RunAsync_LingerWouldMissALaterRowsDeadline_DispatchesInTime()
    {
        Teach(50 * Millisecond, 0.1 * Millisecond, TimeSpan.Zero);
        Start(options: new BatcherOptions { MaxQueueDelay = TimeSpan.FromSeconds(1) });
        await ArriveEvery(Millisecond);
        var start = Clock.GetUtcNow();
        Task<float>[] rows = [Run([8], priority: RequestPriority.High), Run([9], 80 * Millisecond)];
        await AdvanceUntil(rows[1], Millisecond);
        await Task.WhenAll(rows);
        Assert.InRange(Clock.GetUtcNow() - start, TimeSpan.Zero, 60 * Millisecond);
    }

    [Fact]
    public async Task RunAsync_RunsCostNothingBesideTheDeadline_LingersForHalfOfTheTime()
    {
        Start(options: new BatcherOptions { MaxQueueDelay = TimeSpan.FromSeconds(1) });
        var row = Run([1], 400 * Millisecond);
        await AdvanceUntil(row, 10 * Millisecond);
        Assert.Equal(1, await row);
        Assert.InRange(Clock.GetUtcNow() - Clock.Start, 200 * Millisecond, 300 * Millisecond);
    }

    /// <summary>A system timer counts whole milliseconds: one of less fires at once, again and again.</summary>
    [Fact]
    public async Task RunAsync_LingersLessThanAMillisecond_SetsItsTimerOnce()
    {
        Start(options: new BatcherOptions { MaxQueueDelay = 0.7 * Millisecond });
        var row = Run([1]);
        await AdvanceUntil(row, 0.5 * Millisecond);
        Assert.InRange(Clock.GetUtcNow() - Clock.Start, Millisecond, 10 * Millisecond);
    }

    private static int[] History(int first, int length) => [first, .. Enumerable.Repeat(0, length - 1)];

    /// <summary>Rows so far apart, which go away again at once: what they would take is not measured.</summary>
    private async Task ArriveEvery(TimeSpan gap)
    {
        for (var i = 0; i < 60; i++)
        {
            using var cancel = new CancellationTokenSource();
            var row = Run([i + 100], token: cancel.Token);
            await cancel.CancelAsync();
            await Task.WhenAny(row);
            Clock.Advance(gap);
        }
    }

    /// <summary>Advances until the worker has seen the time pass; it takes a moment to set its timer and to be woken by it.</summary>
    private async Task AdvanceUntil(Task task, TimeSpan step)
    {
        while (await Task.WhenAny(task, Task.Delay(10 * Millisecond, TimeProvider.System, Token)) != task)
            Clock.Advance(step);
    }
}
