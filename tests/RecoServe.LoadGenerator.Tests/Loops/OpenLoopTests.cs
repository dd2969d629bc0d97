using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadGenerator.Tests.Loops;

/// <summary>Whether the tool tells the truth about a target that stands still for one second of twenty.</summary>
public sealed class OpenLoopTests
{
    private const int StallAt = 1000;
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan[] Schedule = ArrivalSchedule.Poisson(200, TimeSpan.FromSeconds(20), seed: 1);

    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public async Task Run_PromptTarget_HasNoLatency()
    {
        var result = await Run(_ => Task.FromResult(StatusCode.OK));
        Assert.Equal(Schedule.Length, result.Statuses[StatusCode.OK]);
        Assert.Equal(TimeSpan.Zero, result.Latency(100));
        Assert.Equal(Schedule.Length / Schedule[^1].TotalSeconds, result.Goodput, 6);
    }

    /// <summary>The target answers nothing for a second; calls keep being started. About 1 call in 20 waits 0…1 s.</summary>
    [Fact]
    public async Task Run_TargetStalls_ShowsInP99()
    {
        var until = Schedule[StallAt] + Stall;
        var start = _clock.GetTimestamp();
        var result = await Run(async i =>
        {
            if (i >= StallAt && until - _clock.GetElapsedTime(start) is var wait && wait > TimeSpan.Zero)
                await Task.Delay(wait, _clock);
            return StatusCode.OK;
        });
        AssertStallIsSeen(result);
        Assert.Equal(TimeSpan.Zero, result.Late(100));
    }

    /// <summary>The stall keeps this program from starting calls: those that were due meanwhile are late, and must say so.</summary>
    [Fact]
    public async Task Run_SenderStalls_CountsFromTheIntendedStart()
    {
        var result = await Run(i =>
        {
            if (i == StallAt)
                _clock.Advance(Stall);
            return Task.FromResult(StatusCode.OK);
        });
        AssertStallIsSeen(result);
        Assert.InRange(result.Late(99), TimeSpan.FromMilliseconds(700), Stall);
    }

    /// <summary>Why the loop is open: one caller at a time meets the same stall once in thousands of calls.</summary>
    [Fact]
    public async Task ClosedLoop_TargetStalls_HidesItFromP99()
    {
        var result = await new ClosedLoop(
            i =>
            {
                _clock.Advance(i == StallAt ? Stall : TimeSpan.FromMilliseconds(5));
                return Task.FromResult(StatusCode.OK);
            },
            _clock).RunAsync(callers: 1, TimeSpan.FromSeconds(20));
        Assert.InRange(result.Latency(99.9), TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(6));
        Assert.InRange(result.Latency(100), Stall, 1.001 * Stall);
    }

    [Fact]
    public async Task Result_Refusals_AreCountedButDoNotMakeItFast()
    {
        var result = await Run(i =>
        {
            _clock.Advance(i % 2 == 0 ? TimeSpan.FromMilliseconds(1) : TimeSpan.Zero);
            return Task.FromResult(i % 2 == 0 ? StatusCode.OK : StatusCode.ResourceExhausted);
        });
        Assert.Equal(Schedule.Length / 2, result.Statuses[StatusCode.ResourceExhausted]);
        Assert.True(result.Latency(1) >= TimeSpan.FromMilliseconds(1));
        Assert.InRange(result.Goodput, 95, 105);
    }

    /// <summary>A server that refuses every tenth call must not have a short tail for it.</summary>
    [Theory]
    [InlineData(1000, false)]
    [InlineData(10, true)]
    public async Task TailRatio_Refusals_MakeItInfinite(int every, bool isInfinite)
    {
        var result = await Run(i =>
        {
            _clock.Advance(TimeSpan.FromMilliseconds(1));
            return Task.FromResult(i % every == 0 ? StatusCode.ResourceExhausted : StatusCode.OK);
        });
        Assert.Equal(isInfinite, double.IsInfinity(result.TailRatio));
        Assert.True(isInfinite || result.TailRatio is >= 1 and < 10);
    }

    /// <summary>To give up at once is no way to have a short p50.</summary>
    [Theory]
    [InlineData(StatusCode.DeadlineExceeded)]
    [InlineData(StatusCode.Unavailable)]
    public async Task Result_GivenUpAtOnce_CountsAsTheWholeDeadline(StatusCode status)
    {
        var result = await Run(_ => Task.FromResult(status));
        Assert.InRange(result.Latency(50), LoadResult.Deadline, 1.001 * LoadResult.Deadline);
        Assert.Equal(0, result.Goodput);
    }

    /// <summary>An answer that comes too late is worth nothing. A call that was sent late has its deadline from then on.</summary>
    [Fact]
    public async Task Result_AnswersAfterTheirDeadline_AreCountedAndAreNoGoodput()
    {
        var late = await Run(async i =>
        {
            await Task.Delay(i == 0 ? LoadResult.Deadline + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero, _clock);
            return StatusCode.OK;
        });
        Assert.Equal(1, late.AfterDeadline);
        Assert.Equal((Schedule.Length - 1) / late.Elapsed.TotalSeconds, late.Goodput, 6);
        var sentLate = await Run(i =>
        {
            if (i == StallAt)
                _clock.Advance(LoadResult.Deadline - TimeSpan.FromMilliseconds(1));
            return Task.FromResult(StatusCode.OK);
        });
        Assert.Equal(0, sentLate.AfterDeadline);
        Assert.True(sentLate.IsSentLate);
    }

    /// <summary>The time in which the last calls run into their deadline is not time in which nothing was answered.</summary>
    [Fact]
    public async Task Goodput_LastCallRunsIntoItsDeadline_TakesNothingFromIt()
    {
        var result = await Run(i =>
        {
            if (i == Schedule.Length - 1)
                _clock.Advance(LoadResult.Deadline);
            return Task.FromResult(i == Schedule.Length - 1 ? StatusCode.DeadlineExceeded : StatusCode.OK);
        });
        Assert.Equal((Schedule.Length - 1) / Schedule[^1].TotalSeconds, result.Goodput, 6);
    }

    /// <summary>A target that never answers ends the run, not the patience of whoever waits for it.</summary>
    [Fact]
    public async Task Run_NoAnswer_TimesOut()
    {
        var never = new TaskCompletionSource<StatusCode>();
        var run = Run(i => i == StallAt ? never.Task : Task.FromResult(StatusCode.OK));
        _clock.Advance(TimeSpan.FromMinutes(2));
        await Assert.ThrowsAsync<TimeoutException>(() => run);
    }

    /// <summary>What is printed of several rounds is what all their calls say: 1 in 40 fell into the stall of one of the two.</summary>
    [Fact]
    public async Task Sum_OneRoundStalls_ShowsInP99()
    {
        var calm = await Run(_ => Task.FromResult(StatusCode.OK));
        var stalled = await Run(i =>
        {
            if (i == StallAt)
                _clock.Advance(Stall);
            return Task.FromResult(StatusCode.OK);
        });
        var sum = LoadResult.Sum([calm, stalled]);
        Assert.Equal(2 * Schedule.Length, sum.Calls);
        Assert.Equal(calm.Elapsed + stalled.Elapsed, sum.Elapsed);
        Assert.InRange(sum.Latency(99), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(700));
        Assert.InRange(sum.Latency(100), TimeSpan.FromMilliseconds(950), 1.001 * Stall);
    }

    [Fact]
    public async Task Run_EndlessSchedule_EndsWhenItsConditionDoes()
    {
        var calls = 0;
        var result = await new OpenLoop(
            _ =>
            {
                calls++;
                return Task.FromResult(StatusCode.OK);
            },
            _clock, _clock.Advance).RunAsync(ArrivalSchedule.Endless(200, seed: 1).TakeWhile(_ => calls < 100));
        Assert.Equal(100, result.Calls);
    }

    /// <summary>An answer that is wrong ends the run with what is wrong about it, once the calls under way have ended.</summary>
    [Fact]
    public async Task Run_CallThrows_SaysSo()
    {
        var thrown = await Assert.ThrowsAsync<InvalidOperationException>(
            () => Run(i => i == StallAt ? throw new InvalidOperationException("nine items") : Task.FromResult(StatusCode.OK)));
        Assert.Equal("nine items", thrown.Message);
    }

    private static void AssertStallIsSeen(LoadResult result)
    {
        // 1 call in 20 fell into the stall, evenly: p99 is at 4/5 of it, p90 outside.
        Assert.InRange(result.Latency(99), TimeSpan.FromMilliseconds(700), TimeSpan.FromMilliseconds(900));
        Assert.InRange(result.Latency(100), TimeSpan.FromMilliseconds(950), 1.001 * Stall);
        Assert.Equal(TimeSpan.Zero, result.Latency(90));
    }

    private Task<LoadResult> Run(Func<int, Task<StatusCode>> call) => new OpenLoop(call, _clock, _clock.Advance).RunAsync(Schedule);
}
