using System.Diagnostics.CodeAnalysis;
using RecoServe.Goals;
using RecoServe.LoadTest.Scenarios;
using Spectre.Console;

namespace RecoServe.LoadTest;

/// <summary>Runs scenarios one after the other, prints what they measured, and writes it for programs.</summary>
internal static class LoadRun
{
    /// <summary>Runs; returns the exit code, 1 if a scenario failed. A goal that does not hold is no failure: the machine may be shared.</summary>
    internal static async Task<int> RunAsync(LoadOptions options, IAnsiConsole console)
    {
        var scenarios = Scenario.All.Where(s => options.Scenarios.Count == 0 || options.Scenarios.Contains(s.Name)).ToArray();
        using var progress = new RunProgress(Console.Error, !Console.IsErrorRedirected, TimeProvider.System);
        await using var session = new LoadSession(options, TimeProvider.System, progress);
        var failures = new List<string>();
        for (var s = 0; s < scenarios.Length; s++)
        {
            progress.Begin(scenarios[s].Name, s + 1, scenarios.Length);
            if (await TryAsync(scenarios[s], session) is { } problem)
                failures.Add(problem);
        }

        progress.Dispose();
        Report(console, session, scenarios);
        foreach (var failure in failures)
            console.WriteLine(failure);
        return failures.Count == 0 ? 0 : 1;
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever goes wrong in one scenario, the others still say what they measured; the exit code tells.")]
    private static async Task<string?> TryAsync(Scenario scenario, LoadSession session)
    {
        try
        {
            await scenario.Run(session);
            session.ThrowIfServedEnded();
            return null;
        }
        catch (Exception e)
        {
            session.Findings.AddFailure(scenario.Name);
            return $"{scenario.Name} failed: {e.Message}";
        }
    }

    private static void Report(IAnsiConsole console, LoadSession session, IReadOnlyList<Scenario> scenarios)
    {
        var (options, manifest, findings) = (session.Options, session.Package.Manifest, session.Findings);
        var goals = ServingGoals.All.Where(r => scenarios.Any(s => s.Name == r.Scenario)).Select(findings.GoalOf).ToArray();
        // The sizes and times of a short run are not those that the rows speak of.
        if (options.IsShort)
            goals = [.. goals.Select(g => g with { Row = $"short run: {g.Row}" })];
        // A pipe counts as 80 columns, which would break every number in two.
        console.Profile.Width = Math.Max(console.Profile.Width, 160);
        var model = $"{manifest.Name} version {manifest.Version}: {manifest.ItemCount} items, dimension {manifest.Dimension}, histories of up to {manifest.MaxHistory}";
        console.WriteLine(model);
        RunReport.Print(console, findings.Runs);
        console.Write(GoalReport.Table(goals));
        foreach (var note in findings.Notes)
            console.WriteLine(note);

        var folder = Directory.CreateDirectory(options.Results).FullName;
        GoalReport.WriteJson(Path.Combine(folder, $"{options.Name}.json"), goals);
        RunReport.WriteJson(Path.Combine(folder, $"{options.Name}-runs.json"), findings.Runs);
        if (findings.Sweep.Count > 0)
            LoadPlot.Save(Path.Combine(folder, $"{options.Name}.svg"), findings.Sweep);
        if (options.Out is { } file)
            File.WriteAllText(file, $"{model}\n\n{GoalReport.Markdown(goals)}\n{RunReport.Markdown(findings.Runs)}{string.Concat(findings.Notes.Select(n => $"\n{n}.\n"))}");
    }
}
