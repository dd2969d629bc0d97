using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Two versions of the model that is asked take turns: the other is loaded, then the present one unloaded, once a second, while
/// calls come at 60 % of the peak. Before each such stretch there is one without swaps.
/// </summary>
internal static class SwapScenario
{
    private const double Load = 0.6;

    internal static async Task RunAsync(LoadSession session)
    {
        using var repository = new TemporaryDirectory();
        Models.Twins(session.Package, repository.Path);
        var options = session.Options;
        await using var target = await session.StartWarmAsync(repository.Path, MadeRequest.Make(session.Package, options.Seed));
        var rate = Load * await session.PeakAsync(target, "saturate, two versions (closed loop)");
        var swapper = new Swapper(target, session.Package.Manifest.Name, session.Clock);
        var seed = options.Seed;
        var perRound = Math.Max(1, options.Swaps / options.Rounds);
        var rounds = await session.RoundsAsync($"{perRound} swaps", async () =>
        {
            var without = await target.OpenAsync(ArrivalSchedule.Poisson(rate, options.Duration, seed++), swapper.CallAsync);
            var swaps = swapper.SwapAsync(perRound, options.SwapEvery);
            // Calls come until the last swap has ended, however long that takes.
            var with = await target.OpenAsync(ArrivalSchedule.Endless(rate, seed++).TakeWhile(_ => !swaps.IsCompleted), swapper.CallAsync);
            await swaps;
            return (Without: without, With: with);
        });
        var without = session.Findings.Add("without swaps, 60 %", rate, rounds.Select(r => r.Without));
        session.Findings.Add("with swaps, 60 %", rate, rounds.Select(r => r.With));
        session.Findings.Add(ServingGoals.SwapCount, swapper.Versions.Swaps);
        session.Findings.Add(ServingGoals.SwapFailed, rounds.Sum(r => r.Without.Failed + r.With.Failed));
        session.Findings.Add(ServingGoals.SwapWrong, swapper.Versions.WrongAnswers);
        session.Findings.Add(ServingGoals.SwapTail, rounds.Select(r => r.With.Tail / r.Without.Latency(99).TotalMicroseconds).Median(), without);
    }
}
