using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>
/// Random requests, cancellations, deadlines and priorities against runners that fail and stall: every request gets exactly one
/// answer, its own. Two seconds, or as long as RECOSERVE_SOAK_SECONDS says.
/// </summary>
public sealed class BatcherSoakTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("RECOSERVE_SOAK_SECONDS") ?? "2", CultureInfo.InvariantCulture));

    [Fact]
    public async Task Soak_EverythingAtOnce_EveryRequestGetsOneAnswerItsOwn()
    {
        using var metrics = new EngineMetrics();
        var (gate, outcomes) = (new RunGate(2), new ConcurrentDictionary<string, long>());
        var runners = Enumerable.Range(0, 6).Select(i => new ScriptedRunner(maxBatchSize: 16) { OnRun = Fault(new Random(i)) }).ToArray();
        var options = new BatcherOptions
        {
            QueueCapacity = 200,
            QueueBytes = 1 << 16,
            MaxQueueDelay = TimeSpan.FromMilliseconds(1),
            Patience = TimeSpan.FromMilliseconds(20),
        };
        // Three versions share two turns, with two runners each.
        var batchers = Enumerable.Range(0, 3).Select(i => new Batcher<EncoderInput, BatchOutput>(
            runners[(2 * i)..((2 * i) + 2)], options, new BatchCost(), gate, TimeProvider.System, metrics.ForVersion("soak", i, TimeProvider.System), NullLogger.Instance)).ToArray();
        var end = TimeProvider.System.GetUtcNow() + Duration;
        var callers = Enumerable.Range(0, 300).Select(c => Task.Run(async () =>
        {
            var random = new Random(1000 + c);
            while (TimeProvider.System.GetUtcNow() < end)
                outcomes.AddOrUpdate(await AskAsync(batchers[random.Next(3)], random), 1, (_, count) => count + 1);
        })).ToArray();

        await Task.WhenAll(callers).WaitAsync(Duration + TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        foreach (var batcher in batchers)
        {
            Assert.Equal(0, batcher.QueueLength);
            await batcher.DisposeAsync();
        }

        Assert.All(runners, r => Assert.Equal(0, r.OutputsHeld));
        for (var turn = 0; turn < 2; turn++)
            await Task.Run(() => gate.Enter(new RunShare()), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", outcomes.OrderBy(o => o.Key).Select(o => $"{o.Key} {o.Value}")));
        Assert.Equal(["answered", "cancelled", "failed", "late", "overloaded"], outcomes.Keys.Order());
        Array.ForEach(runners, r => r.Dispose());
    }

    private static Action<EncoderInput[]> Fault(Random random) => rows =>
    {
        if (Array.Exists(rows, r => r.History.Span.Contains(13)))
            throw new InvalidOperationException("poison");
        if (random.Next(50) == 0)
            throw new InvalidOperationException("fault");
        if (random.Next(20) == 0)
            new ManualResetEventSlim().Wait(TimeSpan.FromMilliseconds(random.Next(1, 30))); // a stall
    };

    private static async Task<string> AskAsync(Batcher<EncoderInput, BatchOutput> batcher, Random random)
    {
        int[] history = [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => random.Next(1000) is var item && item == 13 ? 14 : item)];
        if (random.Next(500) == 0)
            history[0] = 13;
        var deadline = random.Next(3) == 0 ? DateTimeOffset.MaxValue : TimeProvider.System.GetUtcNow() + TimeSpan.FromMilliseconds(random.Next(0, 60));
        using var cancel = random.Next(4) == 0 ? new CancellationTokenSource(TimeSpan.FromMilliseconds(random.Next(0, 20)), TimeProvider.System) : new();
        try
        {
            using var row = await batcher.RunAsync(
                new RowRequest<EncoderInput>(new EncoderInput(history, default), random.Next(2) == 0, deadline, (RequestPriority)random.Next(3)), cancel.Token);
            if (random.Next(100) == 0)
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(10)), TimeProvider.System, CancellationToken.None); // a slow reader
            Assert.Equal(history.Sum(), row.State[0]);
            return "answered";
        }
        catch (OperationCanceledException)
        {
            Assert.True(cancel.IsCancellationRequested);
            return "cancelled";
        }
        catch (DeadlineExceededException)
        {
            Assert.True(deadline < DateTimeOffset.MaxValue);
            return "late";
        }
        catch (OverloadedException)
        {
            return "overloaded";
        }
        catch (ModelRunException)
        {
            return "failed";
        }
    }
}
