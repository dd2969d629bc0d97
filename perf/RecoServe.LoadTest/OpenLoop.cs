using Grpc.Core;

namespace RecoServe.LoadTest;

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
    /// <summary>Runs a schedule, and waits for its last answer. Takes up the calling thread until the last start.</summary>
    internal async Task<LoadResult> RunAsync(TimeSpan[] schedule)
    {
        var calls = new CallRecord[schedule.Length];
        var pending = new Task[schedule.Length];
        var start = clock.GetTimestamp();
        for (var i = 0; i < schedule.Length; i++)
        {
            while (schedule[i] - clock.GetElapsedTime(start) is var early && early > TimeSpan.Zero)
                pause(early);
            pending[i] = MeasureAsync(i);
        }

        await Task.WhenAll(pending);
        return new LoadResult(calls, clock.GetElapsedTime(start));

        async Task MeasureAsync(int i)
        {
            var late = clock.GetElapsedTime(start) - schedule[i];
            var status = await call(i);
            calls[i] = new CallRecord(status, clock.GetElapsedTime(start) - schedule[i], late);
        }
    }
}
