using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Callers at 10 % of the peak who ask for the largest slates and read nothing, until the server can write no more to them;
/// and others at 30 %, who must not notice. Before that the same with callers who read, to tell what slowness costs from what large slates do.
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
        var large = MadeRequest.Make(session.Package, options.Seed, slateSize: MadeRequest.LargestSlate);
        session.Show("the others alone");
        session.Findings.Add(new ScenarioRun("without slow clients", Others * peak, await OthersAsync()));
        await BesideAsync("large slates that are read", reads: true);
        var others = await BesideAsync("slow clients", reads: false);
        session.Findings.Add(ServingGoals.SlowFailed, others.Failed);

        Task<LoadResult> OthersAsync() => served.OpenAsync(ArrivalSchedule.Poisson(Others * peak, duration, options.Seed));

        async Task<LoadResult> BesideAsync(string name, bool reads)
        {
            session.Show($"the others and {name}");
            var connections = await served.OpenConnectionsAsync(options.Connections, reads);
            var beside = OthersAsync();
            var asked = served.OpenAsync(
                ArrivalSchedule.Poisson(Slow * peak, duration, options.Seed + 1),
                async i => (await connections[i % connections.Length].CallAsync(large[i % large.Length].Message)).Status);
            session.Findings.Add(new ScenarioRun($"{name}, the others", Others * peak, await beside));
            if (reads)
                await asked;
            foreach (var connection in connections)
                connection.Dispose(); // now the calls of those who do not read end
            session.Findings.Add(new ScenarioRun($"{name}, who asks for them", Slow * peak, await asked));
            return await beside;
        }
    }
}
