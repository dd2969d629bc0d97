using RecoServe.Goals;

namespace RecoServe.LoadTest;

/// <summary>One row of the serving table.</summary>
/// <param name="Scenario">The scenario that measures it.</param>
/// <param name="Row">What it says.</param>
/// <param name="Gate">The number to reach.</param>
/// <param name="Least">Whether that is the least allowed, not the most.</param>
internal sealed record GoalRow(string Scenario, string Row, double Gate, bool Least = false)
{
    /// <summary>The goal with what was measured.</summary>
    internal Goal With(double value) => double.IsFinite(value)
        ? new(Row, value, Gate, null, Least)
        : Without($"the figure came out as {value}");

    /// <summary>The goal with nothing measured.</summary>
    internal Goal Without(string why) => new(Row, null, Gate, null, Least) { Why = why };
}

/// <summary>The serving table, in its order, and behind it what the other scenarios must not do.</summary>
internal static class ServingGoals
{
    internal static readonly GoalRow Cpu = new("saturate", "server CPU per Recommend at saturation ÷ (ONNX Runtime per row at the same mean batch + sampler + bare gRPC echo)", 1.3);
    internal static readonly GoalRow Batching = new("batching", "saturated throughput, batching ÷ MaxBatchSize 1, N = 100,000", 3.5, Least: true);
    internal static readonly GoalRow Tail = new("steady", "p99 ÷ p50 at 60 % of saturation", 4);
    internal static readonly GoalRow Goodput = new("overload", "goodput at 2 × saturation ÷ peak goodput", 0.9, Least: true);
    internal static readonly GoalRow AfterDeadline = new("overload", "answers after their deadline, 0.5–3 × saturation", 0);
    internal static readonly GoalRow OverheadMedian = new("steady", "server's own overhead at low load, p50, µs", 60);
    internal static readonly GoalRow OverheadTail = new("steady", "server's own overhead at low load, p99, µs", 300);
    internal static readonly GoalRow Mixed = new("mixed", "throughput, one history of 200 in 64 of 10 ÷ histories of 10 alone", 0.8, Least: true);
    internal static readonly GoalRow SwapCount = new("swap", "swap: versions swapped under 60 % load", 200, Least: true);
    internal static readonly GoalRow SwapFailed = new("swap", "swap: failed calls", 0);
    internal static readonly GoalRow SwapWrong = new("swap", "swap: wrong-version answers", 0);
    internal static readonly GoalRow SwapTail = new("swap", "swap: p99 ÷ p99 without swaps", 1.5);
    internal static readonly GoalRow CanaryTrials = new("canary", "canary: good versions tried", 100, Least: true);
    internal static readonly GoalRow CanaryShare = new("canary", "canary: share of the calls that good versions answered", 0.3, Least: true);
    internal static readonly GoalRow CanaryWronged = new("canary", "canary: good versions rolled back", 0);
    internal static readonly GoalRow CanaryMissed = new("canary", "canary: bad versions (NaN, slow, shuffled) neither refused nor rolled back", 0);
    internal static readonly GoalRow MemoryCalls = new("memory", "memory: requests of random length", 1_000_000, Least: true);
    internal static readonly GoalRow MemorySlope = new("memory", "memory: RSS slope, MB per 10⁶ requests (the goal is the noise)", 0);
    internal static readonly GoalRow MemoryGen2 = new("memory", "memory: Gen 2 collections of runner and sampler after warm-up", 0);
    internal static readonly GoalRow Ready = new("start", "ready after start with the bundled model, s", 2);
    internal static readonly GoalRow CatalogueReady = new("catalogue", "1,000,000 items: ready, s", 10);
    internal static readonly GoalRow CatalogueMemory = new("catalogue", "1,000,000 items: peak RSS beyond the item matrix and its packed copy, MB", 300);
    internal static readonly GoalRow CatalogueBatching = new("catalogue", "1,000,000 items: throughput, batching ÷ MaxBatchSize 1", 4, Least: true);
    internal static readonly GoalRow Idle = new("idle", "CPU of the idle server, share of a core", 0.01);

    internal static readonly GoalRow BurstAfterDeadline = new("burst", "burst: answers after their deadline", 0);
    internal static readonly GoalRow CancelFailed = new("cancel-storm", "cancel storm: failed calls of those who do not cancel", 0);
    internal static readonly GoalRow SlowFailed = new("slow-client", "slow clients: failed calls of the others", 0);

    /// <summary>All rows.</summary>
    internal static IReadOnlyList<GoalRow> All { get; } =
    [
        Cpu, Batching, Tail, Goodput, AfterDeadline, OverheadMedian, OverheadTail, Mixed, SwapCount, SwapFailed, SwapWrong, SwapTail, CanaryTrials, CanaryShare, CanaryWronged, CanaryMissed, MemoryCalls, MemorySlope,
        MemoryGen2, Ready, CatalogueReady, CatalogueMemory, CatalogueBatching, Idle, BurstAfterDeadline, CancelFailed, SlowFailed,
    ];
}
