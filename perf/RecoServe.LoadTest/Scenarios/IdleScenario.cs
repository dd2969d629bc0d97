namespace RecoServe.LoadTest.Scenarios;

/// <summary>A server that has been warmed up and is asked nothing.</summary>
internal static class IdleScenario
{
    internal static async Task RunAsync(LoadSession session)
    {
        var served = await session.ServedAsync();
        // What the warm-up has left to do, such as compiling hot methods again, is not idleness.
        await Task.Delay(session.Options.Duration, session.Clock);
        var shares = await session.RoundsAsync("idle", async () =>
        {
            var (cpu, start) = (served.Process.CpuTime, session.Clock.GetTimestamp());
            await Task.Delay(session.Options.Duration, session.Clock);
            return (served.Process.CpuTime - cpu) / session.Clock.GetElapsedTime(start);
        });
        session.Findings.Add(ServingGoals.Idle, shares.Median());
    }
}
