using System.Globalization;
using Grpc.Core;
using RecoServe.Contracts.V1;
using RecoServe.LoadGenerator;
using RecoServe.LoadGenerator.Loops;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Scenarios;

/// <summary>
/// New versions of the model that is asked get half of its calls as canaries, one after the other, judged by the server's default bounds, under a load that it
/// holds easily. Good ones must keep their label; bad ones must be refused, or lose it.
/// </summary>
internal static class CanaryScenario
{
    private const double Load = 0.3;
    private const string Percent = "50";
    private const int CallsOfGood = 4000;

    /// <summary>Half of these, and a tenth of that which is compared: some 600 comparisons, less those that are dropped.</summary>
    private const int CallsOfBad = 12_000;
    private const string Label = "canary";

    /// <summary>A verdict is acted on beside the calls, and comparisons come after them.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.3);

    internal static async Task RunAsync(LoadSession session)
    {
        using var repository = new TemporaryDirectory();
        var (options, package) = (session.Options, session.Package);
        Models.Copy(package, repository.Path, version: 1);
        await using var target = await session.StartWarmAsync(repository.Path, MadeRequest.Make(package, options.Seed), "--Registry:CanaryPercent", Percent);
        var rate = Load * (await target.ClosedAsync(options.Duration)).Goodput;
        var (version, good, bad) = (1, new List<Trial>(), new List<Trial>());
        foreach (var canary in Canary.All(package))
        {
            var trials = new Trial[canary.IsGood ? options.Trials : Math.Max(1, options.Trials / 10)];
            for (var t = 0; t < trials.Length; t++)
            {
                session.Show($"{canary.Name}: trial {t + 1} of {trials.Length}");
                var directory = Models.Copy(package, repository.Path, ++version);
                canary.Alter(directory, t);
                var calls = ArrivalSchedule.Endless(rate, options.Seed + version).Take(canary.IsGood ? CallsOfGood : CallsOfBad);
                trials[t] = await TryAsync(target, package.Manifest.Name, version, calls, session.Clock);
                Directory.Delete(directory, recursive: true);
            }

            Tell(session.Findings, canary.Name, rate, trials);
            (canary.IsGood ? good : bad).AddRange(trials);
        }

        session.Findings.Add(ServingGoals.CanaryTrials, good.Count);
        session.Findings.Add(ServingGoals.CanaryShare, (double)good.Sum(t => t.Answered) / (good.Count * CallsOfGood));
        session.Findings.Add(ServingGoals.CanaryWronged, good.Count(t => t.Reason is not null));
        session.Findings.Add(ServingGoals.CanaryMissed, bad.Count(t => t.Reason is null));
    }

    private static void Tell(Findings findings, string name, double rate, Trial[] trials)
    {
        var loads = trials.Select(t => t.Load).OfType<LoadResult>().ToArray();
        if (loads.Length > 0)
            findings.Add($"canary: {name}", rate, loads);
        var reasons = trials.Select(t => t.Reason).OfType<string>().ToArray();
        var first = reasons.Length > 0 ? $", the first: {reasons[0]}" : "";
        findings.Note(string.Create(CultureInfo.InvariantCulture, $"Canary, {name}: {reasons.Length} of {trials.Length} refused or rolled back{first}"));
    }

    /// <summary>Loads a version, gives it its calls, and unloads it.</summary>
    private static async Task<Trial> TryAsync(Target target, string model, long version, IEnumerable<TimeSpan> calls, TimeProvider clock)
    {
        try
        {
            await target.Models.LoadVersionAsync(new LoadVersionRequest { Name = model, Version = version });
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.FailedPrecondition)
        {
            return new Trial(e.Status.Detail, 0, null);
        }

        var answered = 0L;
        await target.Models.SetLabelAsync(new SetLabelRequest { Name = model, Label = Label, Version = version });
        var load = await target.OpenAsync(calls, i => target.CallAsync(i, (answer, _) => Interlocked.Add(ref answered, answer.ModelVersion == version ? 1 : 0)));
        await Task.Delay(Patience, clock);
        var found = (await target.Models.GetModelAsync(new GetModelRequest { Name = model })).Model;
        if (found.Labels.ContainsKey(Label))
            await target.Models.SetLabelAsync(new SetLabelRequest { Name = model, Label = Label, Version = 0 });
        await target.Models.UnloadVersionAsync(new UnloadVersionRequest { Name = model, Version = version });
        var reason = found.Versions.Single(v => v.Version == version).RolledBack;
        return new Trial(reason.Length > 0 ? reason : null, answered, load);
    }

    /// <summary>What became of a version.</summary>
    /// <param name="Reason">Why it was refused or rolled back; null if it was not.</param>
    /// <param name="Answered">Calls that it answered.</param>
    /// <param name="Load">Its load; null if it was refused.</param>
    private sealed record Trial(string? Reason, long Answered, LoadResult? Load);
}
