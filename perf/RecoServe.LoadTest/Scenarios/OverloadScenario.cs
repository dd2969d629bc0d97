using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>More than the server can do: what it still answers in time, and how long that takes.</summary>
internal static class OverloadScenario
{
    private const double Twice = 2;

    private static readonly double[] Loads = [0.5, 0.75, 0.9, 1, 1.25, 1.5, Twice, 2.5, 3];

    internal static async Task RunAsync(LoadSession session)
    {
        var peak = await session.PeakAsync();
        var served = await session.ServedAsync();
        foreach (var load in Loads)
        {
            session.Show($"{load} times the peak");
            session.Findings.AddToSweep(load, new ScenarioRun($"overload, {load} ×", load * peak, await OfferAsync(session, served, load * peak)) { IsOverload = load >= Twice });
        }

        var best = session.Findings.Sweep.Max(s => s.Run.Result.Goodput);
        var rounds = await session.RoundsAsync("2 times the peak beside the peak", async () =>
            (Saturated: await served.ClosedAsync(session.Options.Duration), Twice: await OfferAsync(session, served, Twice * peak)));
        session.Findings.Add("overload, 2 × anew", Twice * peak, rounds.Select(r => r.Twice));
        session.Findings.Add(ServingGoals.Goodput, rounds.Select(r => r.Twice.Goodput / Math.Max(r.Saturated.Goodput, best)).Median());
        session.Findings.Add(ServingGoals.AfterDeadline, session.Findings.Sweep.Select(s => s.Run.Result).Concat(rounds.Select(r => r.Twice)).Sum(r => r.AfterDeadline));
    }

    private static Task<LoadResult> OfferAsync(LoadSession session, Target served, double rate) =>
        served.OpenAsync(ArrivalSchedule.Poisson(rate, session.Options.Duration, session.Options.Seed));
}
