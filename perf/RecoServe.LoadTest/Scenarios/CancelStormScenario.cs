using Grpc.Core;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Callers at the rate of the peak who go away after 0 to 5 ms, and others at 30 % of it, who must get their answers. Kestrel
/// may close a connection that cancels too much: the storm has connections of its own.
/// </summary>
internal static class CancelStormScenario
{
    private const double Others = 0.3;
    private static readonly TimeSpan MostPatience = TimeSpan.FromMilliseconds(5);

    internal static async Task RunAsync(LoadSession session)
    {
        var peak = await session.PeakAsync();
        var served = await session.ServedAsync();
        var (options, duration) = (session.Options, session.Options.Duration);
        var connections = await served.OpenConnectionsAsync(options.Connections);
        var random = new Random(options.Seed);
        var patience = Enumerable.Range(0, 1024).Select(_ => random.NextDouble() * MostPatience).ToArray();
        session.Show("others and storm");
        var others = served.OpenAsync(ArrivalSchedule.Poisson(Others * peak, duration, options.Seed));
        var storm = served.OpenAsync(ArrivalSchedule.Poisson(peak, duration, options.Seed + 1), CancelAsync);
        session.Findings.Add(new ScenarioRun("cancel storm, the others", Others * peak, await others));
        session.Findings.Add(new ScenarioRun("cancel storm, who cancels", peak, await storm));
        session.Findings.Add(ServingGoals.CancelFailed, (await others).Failed);
        foreach (var connection in connections)
            connection.Dispose();

        async Task<StatusCode> CancelAsync(int i)
        {
            using var leaves = new CancellationTokenSource(patience[i % patience.Length], session.Clock);
            return await served.CallAsync(i, connections[i % connections.Length], leaves.Token);
        }
    }
}
