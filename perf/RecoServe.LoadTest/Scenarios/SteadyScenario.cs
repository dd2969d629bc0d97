using System.Collections.Concurrent;
using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// A rate that the server holds easily. At 60 % of the peak: how far the slowest calls are from the others. At 5 %: the
/// server's own overhead, which is what remains of a call without queue, model and sampling, less the whole of a call to a bare
/// gRPC server under the same load at the same percentile: this program and the network are in both.
/// </summary>
internal static class SteadyScenario
{
    private const double Low = 0.05;
    private const double High = 0.6;

    internal static async Task RunAsync(LoadSession session)
    {
        var options = session.Options;
        var rate = High * await session.PeakAsync();
        var served = await session.ServedAsync();
        var seed = options.Seed;
        var rounds = await session.RoundsAsync($"{rate:F0} calls a second", () => served.OpenAsync(ArrivalSchedule.Poisson(rate, options.Duration, seed++)));
        var steady = session.Findings.Add("steady, 60 %", rate, rounds);
        session.Findings.Add(ServingGoals.Tail, rounds.Select(r => r.TailRatio).Median(), steady);
        await MeasureOverheadAsync(session, served);
    }

    private static async Task MeasureOverheadAsync(LoadSession session, Target served)
    {
        var rate = Math.Max(20, Low * await session.PeakAsync());
        await using var echo = await session.StartEchoAsync(await served.AnswerAsync());
        var seed = session.Options.Seed;
        var rounds = await session.RoundsAsync("overhead", async () =>
        {
            // Beside each other, so that whatever else happens on the machine happens to both; with arrivals of their own, for two calls in the same
            // instant would wait for each other's core.
            var rests = await Task.WhenAll(RestAsync(served, NextSchedule(), isEcho: false), RestAsync(echo, NextSchedule(), isEcho: true));
            return (Median: rests[0].Percentile(50) - rests[1].Percentile(50), Tail: rests[0].Percentile(99) - rests[1].Percentile(99));
        });
        session.Findings.AddDifference(ServingGoals.OverheadMedian, rounds.Select(r => r.Median).Median());
        session.Findings.AddDifference(ServingGoals.OverheadTail, rounds.Select(r => r.Tail).Median());

        TimeSpan[] NextSchedule() => ArrivalSchedule.Poisson(rate, session.Options.Duration, seed++);
    }

    /// <summary>Microseconds of every call but for queue, model and sampling; of an echo the whole.</summary>
    private static async Task<IReadOnlyCollection<double>> RestAsync(Target target, TimeSpan[] schedule, bool isEcho)
    {
        var rests = new ConcurrentBag<double>();
        await target.OpenAsync(schedule, i => target.CallAsync(i, (answer, elapsed) =>
            rests.Add(elapsed.TotalMicroseconds - (isEcho ? 0 : answer.Timings.QueueUs + answer.Timings.BatchUs + answer.Timings.SampleUs))));
        return rests;
    }
}
