using Grpc.Core;

namespace RecoServe.LoadTest;

/// <summary>
/// So many callers, each with its next call as soon as the last is answered: finds the highest throughput. Its latencies
/// follow from the number of callers and say nothing about users.
/// </summary>
/// <param name="call">Makes call number i and gives its status.</param>
/// <param name="clock">Measures.</param>
internal sealed class ClosedLoop(Func<int, Task<StatusCode>> call, TimeProvider clock)
{
    /// <summary>Runs for a time, and waits for the last answers.</summary>
    internal async Task<LoadResult> RunAsync(int callers, TimeSpan duration)
    {
        var start = clock.GetTimestamp();
        var next = -1;
        var calls = await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(CallAsync)));
        return new LoadResult([.. calls.SelectMany(c => c)], clock.GetElapsedTime(start));

        async Task<List<CallRecord>> CallAsync()
        {
            var mine = new List<CallRecord>();
            while (clock.GetElapsedTime(start) < duration)
            {
                var begin = clock.GetTimestamp();
                var status = await call(Interlocked.Increment(ref next));
                mine.Add(new CallRecord(status, clock.GetElapsedTime(begin), TimeSpan.Zero));
            }

            return mine;
        }
    }
}
