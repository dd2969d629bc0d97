using RecoServe.Engine.Batching;

namespace RecoServe.Engine.Tests.Batching;

public sealed class RunGateTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Enter_TwoBusyVersions_GetTheSameTimeHoweverLongTheirRunsAre()
    {
        // The one runs ten times as long: it must get a tenth of the turns.
        var had = await Share([10, 1], turns: 550);
        Assert.InRange((double)had[0] / had[1], 0.8, 1.25);
    }

    [Fact]
    public async Task Enter_OneWasIdle_HasNoClaimToTheTimeItDidNotUse()
    {
        var gate = new RunGate(1);
        var (busy, idle) = (new RunShare(), new RunShare());
        for (var i = 0; i < 1000; i++)
        {
            gate.Enter(busy);
            gate.Leave(busy, TimeSpan.FromSeconds(1));
        }

        gate.Enter(idle);
        var turns = new List<string>();
        Task[] waiting =
        [
            .. Enumerable.Range(0, 5).Select(_ => Queue(gate, busy, "busy", turns)), .. Enumerable.Range(0, 5).Select(_ => Queue(gate, idle, "idle", turns)),
        ];
        while (gate.Waiting < 10)
            await Task.Yield();
        gate.Leave(idle, TimeSpan.FromSeconds(1));
        await Task.WhenAll(waiting);
        Assert.InRange(turns.Take(6).Count(t => t == "idle"), 2, 4);
    }

    [Fact]
    public async Task Enter_TwoTurns_TwoAreInside()
    {
        var gate = new RunGate(2);
        var share = new RunShare();
        gate.Enter(share);
        gate.Enter(share);
        var third = Task.Run(() => gate.Enter(share), Token);
        while (gate.Waiting == 0)
            await Task.Yield();
        Assert.False(third.IsCompleted);
        gate.Leave(share, TimeSpan.Zero);
        await third;
        gate.Leave(share, TimeSpan.Zero);
        gate.Leave(share, TimeSpan.Zero);
        gate.Enter(share); // both are free again
        gate.Enter(share);
    }

    /// <summary>Versions that always have something to run share one turn; returns the time each had.</summary>
    private static async Task<long[]> Share(int[] lengths, int turns)
    {
        var (gate, had, left) = (new RunGate(1), new long[lengths.Length], turns);
        var first = new RunShare();
        gate.Enter(first);
        var running = lengths.Select((length, i) => Task.Factory.StartNew(
            () =>
            {
                var (share, kept) = (new RunShare(), false);
                while (Interlocked.Decrement(ref left) >= 0)
                {
                    if (!kept)
                        gate.Enter(share);
                    // Until the others wait, too: they always have something to run.
                    SpinWait.SpinUntil(() => gate.Waiting == lengths.Length - 1 || Volatile.Read(ref left) <= 0);
                    had[i] += length;
                    kept = gate.Keep(share, TimeSpan.FromMilliseconds(length));
                }

                if (kept)
                    gate.Leave(share, TimeSpan.Zero);
            },
            Token, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        while (gate.Waiting < lengths.Length)
            await Task.Yield();
        gate.Leave(first, TimeSpan.Zero);
        await Task.WhenAll(running);
        return had;
    }

    private static Task Queue(RunGate gate, RunShare share, string name, List<string> turns) => Task.Factory.StartNew(
        () =>
        {
            gate.Enter(share);
            lock (turns)
                turns.Add(name);
            gate.Leave(share, TimeSpan.FromSeconds(1));
        },
        Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
