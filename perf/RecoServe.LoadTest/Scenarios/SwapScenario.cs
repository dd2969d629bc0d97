using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// Two versions of the model that is asked take turns: the other is loaded, then the present one unloaded, once a second, while
/// calls come at 60 % of the peak. Before every few swaps there is a stretch without any, so that what disturbs a shared machine disturbs both alike.
/// </summary>
internal static class SwapScenario
{
    private const double Load = 0.6;
    private const int SwapsInStretch = 5;

    internal static async Task RunAsync(LoadSession session)
    {
        using var repository = new TemporaryDirectory();
        Models.Twins(session.Package, repository.Path);
        var options = session.Options;
        await using var target = await session.StartWarmAsync(repository.Path, MadeRequest.Make(session.Package, options.Seed));
        var swapper = new Swapper(target, session.Package.Manifest.Name, session.Clock);
        var seed = options.Seed;
        var nextRound = 0;
        var rounds = await session.RoundsAsync($"{options.Swaps} swaps in all", async () =>
        {
            // Of the peak of this minute: a shared machine's own may be half as high in the next.
            var peak = await target.ClosedAsync(options.Duration);
            var rate = Load * peak.Goodput;
            List<LoadResult> without = [], with = [];
            for (var left = SwapsOf(options, nextRound++); left > 0; left -= SwapsInStretch)
            {
                without.Add(await target.OpenAsync(ArrivalSchedule.Poisson(rate, options.Duration, seed++), swapper.CallAsync));
                var swaps = swapper.SwapAsync(Math.Min(left, SwapsInStretch), options.SwapEvery);
                // Calls come until the last swap has ended, however long that takes.
                with.Add(await target.OpenAsync(ArrivalSchedule.Endless(rate, seed++).TakeWhile(_ => !swaps.IsCompleted), swapper.CallAsync));
                await swaps;
            }

            return (Peak: peak, Without: LoadResult.Sum(without), With: LoadResult.Sum(with));
        });
        session.Findings.Add("saturate, two versions (closed loop)", null, rounds.Select(r => r.Peak));
        var rate = Load * rounds.Select(r => r.Peak.Goodput).Median();
        var without = session.Findings.Add("without swaps, 60 %", rate, rounds.Select(r => r.Without));
        session.Findings.Add("with swaps, 60 %", rate, rounds.Select(r => r.With));
        session.Findings.Add(ServingGoals.SwapCount, swapper.Versions.Swaps);
        session.Findings.Add(ServingGoals.SwapFailed, rounds.Sum(r => r.Without.Failed + r.With.Failed));
        session.Findings.Add(ServingGoals.SwapWrong, swapper.Versions.WrongAnswers);
        session.Findings.Add(ServingGoals.SwapTail, rounds.Select(r => r.With.Tail / r.Without.Latency(99).TotalMicroseconds).Median(), without);
    }

    /// <summary>The swaps of a round, at least one; those of all rounds are as many as were asked for.</summary>
    /// <param name="options">How many swaps and rounds.</param>
    /// <param name="round">From 0.</param>
    internal static int SwapsOf(LoadOptions options, int round) =>
        Math.Max(1, (options.Swaps / options.Rounds) + (round < options.Swaps % options.Rounds ? 1 : 0));
}
