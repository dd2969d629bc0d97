using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Callers at 10 % of the peak who ask for the largest slates and read nothing, until the server can write no more to them;
/// and others at 30 %, who must not notice.
/// </summary>
internal static class SlowClientScenario
{
    private const double Others = 0.3;
    private const double Slow = 0.1;

    internal static async Task RunAsync(LoadSession session)
    {
        var peak = await session.PeakAsync();
        var served = await session.ServedAsync();
        var (options, duration) = (session.Options, session.Options.Duration);
        session.Show("the others alone");
        var alone = await served.OpenAsync(ArrivalSchedule.Poisson(Others * peak, duration, options.Seed));
        var connections = await served.OpenConnectionsAsync(options.Connections, reads: false);
        var large = MadeRequest.Make(session.Package, options.Seed, slateSize: MadeRequest.LargestSlate);
        session.Show("the others and slow ones");
        var others = served.OpenAsync(ArrivalSchedule.Poisson(Others * peak, duration, options.Seed));
        var slow = served.OpenAsync(
            ArrivalSchedule.Poisson(Slow * peak, duration, options.Seed + 1),
            async i => (await connections[i % connections.Length].CallAsync(large[i % large.Length].Message)).Status);
        session.Findings.Add(new ScenarioRun("without slow clients", Others * peak, alone));
        session.Findings.Add(new ScenarioRun("slow clients, the others", Others * peak, await others));
        foreach (var connection in connections)
            connection.Dispose(); // now their calls end
        session.Findings.Add(new ScenarioRun("slow clients, who is slow", Slow * peak, await slow));
        session.Findings.Add(ServingGoals.SlowFailed, (await others).Failed);
    }
}
