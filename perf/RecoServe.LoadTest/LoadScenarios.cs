using Grpc.Core;

namespace RecoServe.LoadTest;

/// <summary>
/// The scenarios: <c>saturate</c> finds the peak in a closed loop; <c>steady</c> offers a fixed rate, half of the peak unless
/// told; <c>overload</c> offers twice the peak.
/// </summary>
internal sealed class LoadScenarios(Func<int, Task<StatusCode>> call, LoadOptions options, TimeProvider clock)
{
    internal static readonly string[] All = ["saturate", "steady", "overload"];

    /// <summary>Warms the server up, then runs what was asked for.</summary>
    internal async Task<IReadOnlyList<ScenarioRun>> RunAsync()
    {
        // The server's JIT improves its code in the background: the first seconds under load are several times slower.
        await Closed(options.WarmUp);
        var runs = new List<ScenarioRun>();
        var needsPeak = options.Scenarios.Any(s => s != "steady" || options.Rate is null);
        var peak = needsPeak ? await Closed(options.Duration) : null;
        foreach (var name in options.Scenarios.Distinct())
        {
            runs.Add(name switch
            {
                "saturate" => new ScenarioRun(name, null, peak!),
                "steady" => await Open(name, options.Rate ?? (0.5 * peak!.Goodput)),
                "overload" => await Open(name, 2 * peak!.Goodput),
                _ => throw new ArgumentException($"no scenario is called {name}"),
            });
        }

        return runs;
    }

    private Task<LoadResult> Closed(TimeSpan duration) => new ClosedLoop(call, clock).RunAsync(options.Callers, duration);

    private async Task<ScenarioRun> Open(string name, double rate)
    {
        var schedule = ArrivalSchedule.Poisson(rate, options.Duration, options.Seed);
        // A thread of its own, so that answers do not have to wait for a pool thread that paces.
        var run = Task.Factory.StartNew(
            () => new OpenLoop(call, clock, Pause.For).RunAsync(schedule), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return new ScenarioRun(name, schedule.Length / options.Duration.TotalSeconds, await run.Unwrap());
    }
}
