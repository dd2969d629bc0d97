using Grpc.Core;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest;

/// <summary>One load that was run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Offered">Calls a second of the schedule; null in a closed loop, which offers what is answered.</param>
/// <param name="Result">What was measured.</param>
internal sealed record ScenarioRun(string Name, double? Offered, LoadResult Result)
{
    /// <summary>A multiple of the saturated throughput that everything can be answered at only if that was not saturated.</summary>
    internal bool IsOverload { get; init; }

    /// <summary>Why the numbers are not the server's; null: they are.</summary>
    internal string? Caveat =>
        Result.IsSentLate ? $"{Name}: the load generator could not keep its schedule, so that this is its own limit and not the server's"
        : IsOverload && Result.Count(StatusCode.OK) > 0.99 * Result.Calls ? $"{Name}: everything was answered, so that the peak found was not the peak; warm up for longer or use more callers"
        : null;
}
