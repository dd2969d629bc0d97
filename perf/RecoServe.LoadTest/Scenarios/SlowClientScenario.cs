using RecoServe.LoadTest.Loops;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>Callers at 10 % of the peak whose connections read 2 kB a second, and others at 30 %, who must not notice.</summary>
internal static class SlowClientScenario
{
    private const double Others = 0.3;
    private const double Slow = 0.1;
    private const int BytesPerSecond = 2000;

    internal static async Task RunAsync(LoadSession session)
    {
        var peak = await session.PeakAsync();
        var served = await session.ServedAsync();
        var (options, duration) = (session.Options, session.Options.Duration);
        session.Show("the others alone");
        var alone = await served.OpenAsync(ArrivalSchedule.Poisson(Others * peak, duration, options.Seed));
        var connections = served.NewConnections(options.Connections, BytesPerSecond);
        session.Show("the others and slow ones");
        var others = served.OpenAsync(ArrivalSchedule.Poisson(Others * peak, duration, options.Seed));
        var slow = served.OpenAsync(
            ArrivalSchedule.Poisson(Slow * peak, duration, options.Seed + 1),
            i => served.CallAsync(i, connections[i % connections.Length], static (_, _) => { }, CancellationToken.None));
        session.Add(new ScenarioRun("without slow clients", Others * peak, alone));
        session.Add(new ScenarioRun("slow clients, the others", Others * peak, await others));
        session.Add(new ScenarioRun("slow clients, who is slow", Slow * peak, await slow));
        session.Measured(ServingGoals.SlowFailed, (await others).Failed);
        foreach (var connection in connections)
            connection.Dispose();
    }
}
