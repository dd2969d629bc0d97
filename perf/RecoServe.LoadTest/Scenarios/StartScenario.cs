using RecoServe.LoadGenerator;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>From the start of the process until it listens with its model warmed up and answers a call.</summary>
internal static class StartScenario
{
    internal static async Task RunAsync(LoadSession session)
    {
        var requests = MadeRequest.Make(session.Package, session.Options.Seed);
        var seconds = await session.RoundsAsync("start", async () =>
        {
            await using var target = await session.StartAsync(session.Options.Models, requests);
            await target.AnswerAsync();
            return target.Process.StartTime.TotalSeconds;
        });
        session.Findings.Add(ServingGoals.Ready, seconds.Median());
    }
}
