using Grpc.Core;

namespace RecoServe.LoadGenerator.Loops;

/// <summary>
/// So many callers, each with its next call as soon as the last is answered: finds the highest throughput. Its latencies
/// follow from the number of callers and say nothing about users.
/// </summary>
/// <param name="call">Makes call number i and gives its status.</param>
/// <param name="clock">Measures.</param>
internal sealed class ClosedLoop(Func<int, Task<StatusCode>> call, TimeProvider clock)
{
    /// <summary>Runs for a time, and waits for the last answers.</summary>
    internal Task<LoadResult> RunAsync(int callers, TimeSpan duration) => RunAsync(callers, (_, elapsed) => elapsed < duration);

    /// <summary>Makes so many calls.</summary>
    internal Task<LoadResult> RunAsync(int callers, int calls) => RunAsync(callers, (number, _) => number < calls);

    private async Task<LoadResult> RunAsync(int callers, Func<int, TimeSpan, bool> isDue)
    {
        var result = new LoadResult();
        var start = clock.GetTimestamp();
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(CallAsync)));
        result.End(clock.GetElapsedTime(start));
        return result;

        async Task CallAsync()
        {
            while (Interlocked.Increment(ref next) is var number && isDue(number, clock.GetElapsedTime(start)))
            {
                var started = clock.GetElapsedTime(start);
                var status = await call(number);
                result.Record(status, started, started, clock.GetElapsedTime(start));
            }
        }
    }
}
