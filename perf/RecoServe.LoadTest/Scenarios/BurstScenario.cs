using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>A quarter of a second at twice the peak in every second, the rest at a quarter of it: 69 % on the whole.</summary>
internal static class BurstScenario
{
    private const double High = 2;
    private const double Low = 0.25;

    internal static async Task RunAsync(LoadSession session)
    {
        var peak = await session.PeakAsync();
        var served = await session.ServedAsync();
        var (seed, duration) = (session.Options.Seed, session.Options.Duration);
        var rounds = await session.RoundsAsync("bursts", () =>
            served.OpenAsync(ArrivalSchedule.Varying(at => peak * (at.Milliseconds < 250 ? High : Low), peak * High, duration, seed++)));
        session.Findings.Add("burst", rounds.Sum(r => r.Calls) / (duration.TotalSeconds * rounds.Length), rounds);
        session.Findings.Add(ServingGoals.BurstAfterDeadline, rounds.Sum(r => r.AfterDeadline));
    }
}
