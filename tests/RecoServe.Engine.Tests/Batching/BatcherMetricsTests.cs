using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using RecoServe.Engine.Batching;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>What operators see: every row that is not computed, and every batch, is counted once, under its reason.</summary>
public sealed class BatcherMetricsTests : BatcherFixture
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private readonly ConcurrentDictionary<(string Instrument, string Reason), long> _counts = [];
    private readonly ConcurrentQueue<(string Instrument, double Value)> _values = [];
    private readonly MeterListener _listener;

    public BatcherMetricsTests()
    {
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == EngineMetrics.MeterName)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Measured(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Measured(instrument, value, tags));
        _listener.Start();
    }

    [Fact]
    public async Task RunAsync_RowsAreNotComputed_EachIsCountedUnderItsReason()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy(options: new BatcherOptions { QueueCapacity = 2 });
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAsync<DeadlineExceededException>(() => Run([1], 15 * Millisecond));
        await Assert.ThrowsAsync<OverloadedException>(() => Run([2], 30 * Millisecond));
        var (late, gone) = (Run([3], 100 * Millisecond), Run([4], token: cancel.Token));
        await Assert.ThrowsAsync<OverloadedException>(() => Run([5]));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        Clock.Advance(100 * Millisecond);
        await Assert.ThrowsAsync<DeadlineExceededException>(() => late);
        Runner.LetGo();
        await Busy;
        Assert.Equal(
            new() { ["hopeless"] = 1, ["overloaded"] = 1, ["queue_full"] = 1, ["cancelled"] = 1, ["deadline_exceeded"] = 1 },
            Counts("recoserve.shed"));
    }

    [Fact]
    public async Task RunAsync_BatchesAreFull_TheLastIsClosedByTheEmptyQueue()
    {
        await StartBusy();
        var waiting = Enumerable.Range(1, 11).Select(i => Run([i])).ToArray();
        Clock.Advance(7 * Millisecond);
        Runner.LetGo();
        await Task.WhenAll(waiting);
        await Batcher.DisposeAsync();
        Assert.Equal(new() { ["full"] = 1, ["queue_empty"] = 2 }, Counts("recoserve.batch.closed"));
        Assert.Equal([1, 8, 3], Values("recoserve.batch.size"));
        Assert.Equal([0, .. Enumerable.Repeat(0.007, 11)], Values("recoserve.queue.wait"));
    }

    [Fact]
    public async Task RunAsync_LongRowWaits_TheBatchIsClosedByPadding()
    {
        Teach(0.1 * Millisecond, 0.01 * Millisecond, 0.005 * Millisecond);
        await StartBusy();
        Task<float>[] waiting = [Run([1, 0, 0]), Run([2, 0, 0]), Run([50, .. new int[49]])];
        Runner.LetGo();
        await Task.WhenAll(waiting);
        await Batcher.DisposeAsync();
        Assert.Equal(new() { ["padding"] = 1, ["queue_empty"] = 2 }, Counts("recoserve.batch.closed"));
    }

    [Fact]
    public async Task RunAsync_OneMoreRowWouldMakeAnotherLate_TheBatchIsClosedAsHopeless()
    {
        Teach(20 * Millisecond, Millisecond, TimeSpan.Zero);
        await StartBusy();
        var waiting = Enumerable.Range(1, 7).Select(i => Run([i], 900 * Millisecond)).Append(Run([25], 44 * Millisecond)).ToArray();
        Runner.OnRun = rows => Clock.Advance((20 + rows.Length) * Millisecond);
        Runner.LetGo();
        await Task.WhenAll(waiting);
        await Batcher.DisposeAsync();
        Assert.Equal(new() { ["hopeless"] = 1, ["queue_empty"] = 2 }, Counts("recoserve.batch.closed"));
    }

    [Fact]
    public async Task RunAsync_BatchFails_ItsRowsAreClosedByTheRetry()
    {
        await StartBusy();
        Runner.OnRun = rows => Assert.DoesNotContain(rows, r => r.History.Span.Contains(13));
        Task<float>[] waiting = [Run([1]), Run([13]), Run([3])];
        Runner.LetGo();
        await Assert.ThrowsAsync<ModelRunException>(() => waiting[1]);
        await Task.WhenAll(waiting[0], waiting[2]);
        await Batcher.DisposeAsync();
        Assert.Equal(new() { ["queue_empty"] = 1, ["retry"] = 2 }, Counts("recoserve.batch.closed"));
    }

    [Fact]
    public async Task RunAsync_LingersInVain_TheBatchIsClosedByTheDelay()
    {
        Start(options: new BatcherOptions { MaxQueueDelay = 100 * Millisecond });
        var row = Run([1]);
        while (await Task.WhenAny(row, Task.Delay(10 * Millisecond, TimeProvider.System, Token)) != row)
            Clock.Advance(10 * Millisecond);
        await Batcher.DisposeAsync();
        Assert.Equal(new() { ["delay_over"] = 1 }, Counts("recoserve.batch.closed"));
    }

    [Fact]
    public async Task RunAsync_RowsOfSeveralLengths_TheShareOfPaddingIsMeasured()
    {
        await StartBusy();
        Task<float>[] waiting = [Run([1]), Run([2, 0, 0])]; // 2 and 4 cells, with the start of a history
        Runner.LetGo();
        await Task.WhenAll(waiting);
        await Batcher.DisposeAsync();
        Assert.Equal([0, 0.25], Values("recoserve.batch.padding"));
    }

    [Fact]
    public async Task RunAsync_RowsWait_TheQueueHasTheirNumber()
    {
        await StartBusy();
        var waiting = Enumerable.Range(1, 3).Select(i => Run([i])).ToArray();
        _listener.RecordObservableInstruments();
        Runner.LetGo();
        await Task.WhenAll(waiting);
        _listener.RecordObservableInstruments();
        await Batcher.DisposeAsync();
        _listener.RecordObservableInstruments();
        Assert.Equal([3, 0], Values("recoserve.queue.length"));
    }

    /// <summary>The deadline cancels the call: whose timer is first, the call's or the queue's, is chance.</summary>
    [Fact]
    public async Task RunAsync_CancelledAtTheDeadline_IsTold()
    {
        await StartBusy();
        using var call = new CancellationTokenSource();
        var deadline = TimeSpan.FromMilliseconds(10.5); // the queue's own timer is in whole ones
        await using var timer = Clock.CreateTimer(_ => call.Cancel(), null, deadline, Timeout.InfiniteTimeSpan);
        var row = Run([1], timeLeft: deadline, token: call.Token);
        Clock.Advance(deadline);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => row);
        Assert.Equal(new() { ["deadline_exceeded"] = 1 }, Counts("recoserve.shed"));
    }

    [Fact]
    public async Task RunAsync_RowsOfOneRequestLeave_TheRequestIsCountedOnce()
    {
        await StartBusy(options: new BatcherOptions { QueueCapacity = 3 });
        using var cancel = new CancellationTokenSource();
        var once = new ShedOnce();
        Task[] rows = [.. Enumerable.Range(1, 3).Select(i => Batcher.RunAsync(Request([i]) with { ShedOnce = once }, cancel.Token))];
        await cancel.CancelAsync();
        await Task.WhenAll(rows).ContinueWith(_ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default);
        Assert.Equal(new() { ["cancelled"] = 1 }, Counts("recoserve.shed"));
    }

    protected override void DisposeMore() => _listener.Dispose();

    private Dictionary<string, long> Counts(string instrument) =>
        _counts.Where(c => c.Key.Instrument == instrument && c.Value > 0).ToDictionary(c => c.Key.Reason, c => c.Value);

    private double[] Values(string instrument) => [.. _values.Where(v => v.Instrument == instrument).Select(v => Math.Round(v.Value, 6))];

    private void Measured(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (model, reason) = ("", "");
        foreach (var (key, tag) in tags)
            (model, reason) = (key == "model" ? (string)tag! : model, key == "reason" ? (string)tag! : reason);
        if (model != Model)
            return; // of a test that runs at the same time
        _values.Enqueue((instrument.Name, value));
        _counts.AddOrUpdate((instrument.Name, reason), (long)value, (_, count) => count + (long)value);
    }
}
