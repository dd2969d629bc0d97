using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;

namespace RecoServe.Engine.Tests.Batching;

/// <summary>A batcher over scripted runners, on a clock that stands still.</summary>
public abstract class BatcherFixture : IAsyncDisposable
{
    private static int Models;

    private readonly EngineMetrics _metrics = new();
    private readonly List<ScriptedRunner> _runners = [];
    private readonly List<Batcher<EncoderInput, BatchOutput>> _batchers = [];

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What tells this batcher's measurements from those of others.</summary>
    private protected string Model { get; } = $"toy-{Interlocked.Increment(ref Models)}";

    internal FakeTimeProvider Clock { get; } = new();

    internal BatchCost Cost { get; } = new();

    internal RunGate Gate { get; set; } = new(8);

    internal ScriptedRunner Runner => _runners[0];

    internal IReadOnlyList<ScriptedRunner> Runners => _runners;

    private protected Batcher<EncoderInput, BatchOutput> Batcher => _batchers[0];

    public async ValueTask DisposeAsync()
    {
        foreach (var runner in _runners)
            runner.LetGo();
        foreach (var batcher in _batchers)
            await batcher.DisposeAsync();
        foreach (var runner in _runners)
        {
            Assert.True(SpinWait.SpinUntil(() => runner.OutputsHeld == 0, TimeSpan.FromSeconds(30)), "an output was not given back");
            runner.Dispose();
        }

        _metrics.Dispose();
        DisposeMore();
        GC.SuppressFinalize(this);
    }

    protected virtual void DisposeMore()
    {
    }

    private protected Batcher<EncoderInput, BatchOutput> Start(int maxBatchSize = 8, BatcherOptions? options = null, int instances = 1)
    {
        var runners = Enumerable.Range(0, instances).Select(_ => new ScriptedRunner(maxBatchSize)).ToArray();
        _runners.AddRange(runners);
        _batchers.Add(new Batcher<EncoderInput, BatchOutput>(
            runners, options ?? new BatcherOptions(), Cost, Gate, Clock, _metrics.ForVersion(Model, 1 + _batchers.Count, TimeProvider.System), NullLogger.Instance));
        return _batchers[^1];
    }

    /// <summary>Starts a batcher whose only runner is busy with a row until it is let go.</summary>
    private protected async Task<Batcher<EncoderInput, BatchOutput>> StartBusy(int maxBatchSize = 8, BatcherOptions? options = null)
    {
        var batcher = Start(maxBatchSize, options);
        Runner.Hold();
        Busy = Run([999]);
        await Runner.EnteredAsync();
        return batcher;
    }

    /// <summary>The row that keeps the runner busy.</summary>
    private protected Task<float> Busy { get; private set; } = Task.FromResult(0f);

    private protected static RowRequest<EncoderInput> Request(
        int[] history, bool wantsLogits = true, DateTimeOffset? deadline = null, RequestPriority priority = RequestPriority.Normal) =>
        new(new EncoderInput(history, default), wantsLogits, deadline ?? DateTimeOffset.MaxValue, priority);

    private protected Task<float> Run(
        int[] history, TimeSpan? timeLeft = null, RequestPriority priority = RequestPriority.Normal, CancellationToken? token = null, bool wantsLogits = true)
    {
        DateTimeOffset? deadline = timeLeft is { } left ? Clock.GetUtcNow() + left : null;
        return Read(Batcher.RunAsync(Request(history, wantsLogits, deadline, priority), token ?? Token));
    }

    private protected static async Task<float> Read(Task<RowResult<BatchOutput>> task)
    {
        using var row = await task;
        return row.State[0];
    }

    /// <summary>Teaches what batches take: fixed + row + cell.</summary>
    private protected void Teach(TimeSpan fixedTime, TimeSpan row, TimeSpan cell)
    {
        foreach (var rows in (int[])[1, 2, 4, 8])
        {
            foreach (var length in (int[])[2, 11, 51])
                Cost.Calibrate(rows, length, fixedTime + (rows * row) + (rows * length * cell));
        }
    }
}
