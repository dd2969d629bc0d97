using RecoServe.Goals;
using RecoServe.LoadGenerator.Loops;

namespace RecoServe.LoadTest;

/// <summary>What a run of scenarios has measured.</summary>
internal sealed class Findings
{
    private readonly Dictionary<GoalRow, Goal> _goals = [];
    private readonly List<ScenarioRun> _runs = [];
    private readonly List<(double Load, ScenarioRun Run)> _sweep = [];
    private readonly List<string> _notes = [];

    /// <summary>The loads that were run.</summary>
    internal IReadOnlyList<ScenarioRun> Runs => _runs;

    /// <summary>Those of the overload sweep, by their load in multiples of the peak.</summary>
    internal IReadOnlyList<(double Load, ScenarioRun Run)> Sweep => _sweep;

    /// <summary>What explains the figures.</summary>
    internal IReadOnlyList<string> Notes => _notes;

    /// <summary>A row's goal as far as it has been measured.</summary>
    internal Goal GoalOf(GoalRow row) => _goals.GetValueOrDefault(row) ?? row.Without("the scenario did not measure it");

    /// <summary>A figure.</summary>
    internal void Add(GoalRow row, double value) => _goals[row] = row.With(value);

    /// <summary>A figure whose goal is not the row's own.</summary>
    internal void Add(GoalRow row, double value, double gate) => _goals[row] = (row with { Gate = gate }).With(value);

    /// <summary>A ratio: no value if the generator fell behind in what it is a ratio to, which would flatter it.</summary>
    internal void Add(GoalRow row, double value, ScenarioRun baseline) =>
        _goals[row] = baseline.Result.IsSentLate ? row.Without("the load generator fell behind: this machine is not quiet enough") : row.With(value);

    /// <summary>A difference of two times: no value if noise made it negative.</summary>
    internal void AddDifference(GoalRow row, double value) =>
        _goals[row] = value < 0 ? row.Without("the baseline was slower: this machine is not quiet enough") : row.With(value);

    /// <summary>A scenario ended early: none of its rows that are still open have a value.</summary>
    internal void AddFailure(string scenario)
    {
        foreach (var row in ServingGoals.All.Where(r => r.Scenario == scenario))
            _goals.TryAdd(row, row.Without("its scenario failed"));
    }

    /// <summary>A load that was run.</summary>
    internal ScenarioRun Add(ScenarioRun run)
    {
        _runs.Add(run);
        return run;
    }

    /// <summary>Several measurements of the same load, as one.</summary>
    internal ScenarioRun Add(string name, double? offered, IEnumerable<LoadResult> rounds) => Add(new ScenarioRun(name, offered, LoadResult.Sum(rounds)));

    /// <summary>A load of the overload sweep.</summary>
    internal void AddToSweep(double load, ScenarioRun run) => _sweep.Add((load, Add(run)));

    /// <summary>What explains a figure.</summary>
    internal void Note(string note) => _notes.Add(note);
}
