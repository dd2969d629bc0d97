using RecoServe.LoadGenerator;
using RecoServe.LoadTest.Targets;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>Very many requests of random length: whether the server's memory grows, and whether the engine's own work reaches Gen 2.</summary>
internal static class MemoryScenario
{
    private const int Samples = 200;

    internal static async Task RunAsync(LoadSession session)
    {
        var requests = MadeRequest.Make(session.Package, session.Options.Seed);
        await using var target = await session.StartWarmAsync(session.Options.Models, requests);
        var trend = new MemoryTrend();
        var perSample = Math.Max(1, session.Options.Calls / Samples);
        var calls = 0L;
        // Calls that failed do not count; if half of them do, the row says how many there were.
        for (var s = 0; s < 2 * Samples && calls < session.Options.Calls; s++)
        {
            if (s % (Samples / 10) == 0)
                session.Show($"{calls:N0} of {session.Options.Calls:N0} calls");
            calls += (await target.ClosedAsync(perSample)).Count(Grpc.Core.StatusCode.OK);
            trend.Add(calls, target.Process.ResidentBytes);
        }

        session.Findings.Add(ServingGoals.MemoryCalls, calls);
        session.Findings.Add(ServingGoals.MemorySlope, trend.Slope, trend.Noise);
        using var engine = new EngineAlone(session.Package, requests, session.Options.WarmUp / 2, session.Clock);
        session.Findings.Add(ServingGoals.MemoryGen2, engine.CountGen2(session.Options.Duration));
    }
}
