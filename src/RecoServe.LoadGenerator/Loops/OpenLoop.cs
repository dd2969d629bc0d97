using Grpc.Core;

namespace RecoServe.LoadGenerator.Loops;

/// <summary>
/// Starts every call at its intended time, whether earlier ones have been answered or not, and counts its latency from that
/// time. A stall, of the target or of this program, is thus paid by every call that was due meanwhile, and not by the one
/// that happened to be under way (coordinated omission: Tene, How NOT to Measure Latency).
/// </summary>
/// <param name="call">Makes call number i and gives its status; throws only if the test itself is at fault.</param>
/// <param name="clock">Measures.</param>
/// <param name="pause">Blocks for about so long.</param>
internal sealed class OpenLoop(Func<int, Task<StatusCode>> call, TimeProvider clock, Action<TimeSpan> pause)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Runs a schedule, and waits for its last answer. Takes up the calling thread until the last start.</summary>
    /// <param name="schedule">Intended starts, ascending; asked for the next one only when the last has been started.</param>
    /// <exception cref="TimeoutException">A minute after the last start there were calls without an answer.</exception>
    internal async Task<LoadResult> RunAsync(IEnumerable<TimeSpan> schedule)
    {
        var result = new LoadResult();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var pending = 1; // this loop itself
        var number = 0;
        var start = clock.GetTimestamp();
        var last = TimeSpan.Zero;
        foreach (var intended in schedule)
        {
            last = intended;
            while (intended - clock.GetElapsedTime(start) is var early && early > TimeSpan.Zero)
                pause(early);
            Interlocked.Increment(ref pending);
            _ = MeasureAsync(number++, intended);
        }

        EndOne();
        await ended.Task.WaitAsync(Patience, clock);
        result.End(last);
        return result;

        async Task MeasureAsync(int i, TimeSpan intended)
        {
            try
            {
                var started = clock.GetElapsedTime(start);
                var status = await call(i);
                result.Record(status, intended, started, clock.GetElapsedTime(start));
            }
            catch (Exception e)
            {
                ended.TrySetException(e);
            }
            finally
            {
                EndOne();
            }
        }

        void EndOne()
        {
            if (Interlocked.Decrement(ref pending) == 0)
                ended.TrySetResult();
        }
    }
}
