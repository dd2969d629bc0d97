using System.CommandLine;
using System.Globalization;
using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Search;
using RecoServe.Trainer.Training;
using Spectre.Console;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain search</c>: trains many settings of a space, each as a run of its own, and tells which validates best.</summary>
internal sealed class SearchCommand
{
    private readonly Option<string> _space = new("--space") { Description = "A YAML file with fit (options of all trials) and space (options to vary)", HelpName = "FILE", Required = true };

    private readonly Option<string> _out = new("--out") { Description = "The search's folder: results.csv, and a run a trial; the same command goes on where it stopped", HelpName = "DIR", Required = true };

    private readonly Option<string> _method = new("--method") { Description = "random: every trial to its end; halving: few epochs for all, more for the best", DefaultValueFactory = _ => "random" };

    private readonly Option<int> _trials = new("--trials") { Description = "Settings to draw", HelpName = "N", DefaultValueFactory = _ => 16 };

    private readonly Option<int> _seed = new("--seed") { Description = "Seed of the draws", HelpName = "N", DefaultValueFactory = _ => 1 };

    private readonly Option<int> _minEpochs = new("--min-epochs") { Description = "Halving: epochs of the first rung", HelpName = "N", DefaultValueFactory = _ => 3 };

    private readonly Option<int> _maxEpochs = new("--max-epochs") { Description = "Halving: epochs of the last", HelpName = "N", DefaultValueFactory = _ => 81 };

    private readonly Option<int> _eta = new("--eta") { Description = "Halving: one of so many goes on, to so many times the epochs", HelpName = "N", DefaultValueFactory = _ => 3 };

    private SearchCommand() => _method.AcceptOnlyFromAmong("random", "halving");

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var search = new SearchCommand();
        var command = new Command("search", "Train settings drawn from a space, and tell which validates best; the test is not looked at")
        {
            search._space, search._out, search._method, search._trials, search._seed, search._minEpochs, search._maxEpochs, search._eta,
        };
        foreach (var (option, min) in new[] { (search._trials, 1), (search._minEpochs, 1), (search._maxEpochs, 1), (search._eta, 2) })
        {
            option.Validators.Add(result =>
            {
                if (result.Tokens is [var token] && long.TryParse(token.Value, CultureInfo.InvariantCulture, out var given) && given < min)
                    result.AddError($"{option.Name} must be {min} or more");
            });
        }

        command.SetWork(search.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var space = SearchSpace.Read(result.GetRequiredValue(_space));
        var trials = space.Draw(result.GetValue(_trials), result.GetValue(_seed));
        foreach (var trial in trials)
            RequireScores(space.ConfigOf(trial), result.GetRequiredValue(_space));
        var folder = Directory.CreateDirectory(result.GetRequiredValue(_out)).FullName;
        var (method, eta) = (result.GetRequiredValue(_method), result.GetValue(_eta));
        var rungs = method == "halving"
            ? SearchLoop.Halving(trials.Count, result.GetValue(_minEpochs), result.GetValue(_maxEpochs), eta)
            : [null];
        var results = SearchResults.Open(Path.Combine(folder, "results.csv"), space.Dimensions.Select(d => d.Name), trials);
        SearchPlan.Require(Path.Combine(folder, "search.json"), SearchPlan.Of(method, rungs, eta, space.Fit));
        var error = result.InvocationConfiguration.Error;
        var loop = new SearchLoop(rungs, eta, results, (trial, rung, epochs, stop) => TrainAsync(space, Path.Combine(folder, trial.Folder), trial, rung, epochs, rungs[^1], error, stop));
        var best = await loop.RunAsync(trials, cancellationToken);
        Print(result.InvocationConfiguration.Output, space, results);
        if (best is null)
            throw new DataException($"{folder}: every trial failed");
        result.InvocationConfiguration.Output.WriteLine($"best: {Path.Combine(result.GetRequiredValue(_out), best.Trial.Folder)}");
        return 0;
    }

    /// <summary>Refuses cutoffs that leave out the metrics by which trials are compared.</summary>
    private static void RequireScores(ConfigFile config, string path)
    {
        if (config.Settings.FirstOrDefault(setting => setting.Name == "cutoffs") is { } cutoffs
            && !cutoffs.Values.SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries)).Contains("10"))
        {
            throw new DataException($"{path} line {cutoffs.Line}: cutoffs must have 10, as trials are compared by NDCG@10");
        }
    }

    private static async Task<TrialResult> TrainAsync(
        SearchSpace space, string folder, Trial trial, int rung, int? epochs, int? allEpochs, TextWriter error, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        var root = new RootCommand { FitCommand.Create() };
        string[] fixedArgs = ["fit", "--out", folder];
        var config = space.ConfigOf(trial);
        if (File.Exists(Path.Combine(folder, "options.json")))
            fixedArgs = [.. fixedArgs, "--resume"];
        else if (allEpochs is not null && config.Settings.All(setting => setting.Name != "decay-epochs"))
            fixedArgs = [.. fixedArgs, $"--decay-epochs={allEpochs}"]; // of the whole trial: the first rung knows its own epochs alone
        if (epochs is not null)
            fixedArgs = [.. fixedArgs, $"--epochs={epochs}"];
        var args = config.AddTo(root.Parse(fixedArgs), fixedArgs);
        using var problem = new StringWriter();
        var code = await CommandRunner.RunWithinAsync(root, args, problem, cancellationToken);
        if (code == CommandRunner.Cancelled)
            throw new OperationCanceledException(cancellationToken);
        var last = problem.ToString().TrimEnd().Split('\n')[^1];
        if (code == CommandRunner.BadInput)
            throw new DataException($"{trial.Folder}: {last.Replace("recotrain: ", "", StringComparison.Ordinal)}");
        if (code is not (0 or CommandRunner.NotFinite))
            throw new InvalidOperationException($"{trial.Folder}: {last.Replace("recotrain: ", "", StringComparison.Ordinal)}");
        var outcome = code == 0 ? Outcome(folder, trial, rung) : new TrialResult(trial, rung, 0, double.NaN, double.NaN, 0);
        outcome = outcome with { Seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds };
        error.WriteLine(Describe(space, outcome) + (code == 0 ? "" : $"  failed: {last}"));
        return outcome;
    }

    private static TrialResult Outcome(string folder, Trial trial, int rung)
    {
        var run = RunFolder.Open(folder);
        var metrics = run.ReadMetrics();
        return new TrialResult(trial, rung, File.ReadLines(Path.Combine(folder, "metrics.csv")).Count() - 1, metrics["validation/HR@10"], metrics["validation/NDCG@10"], 0);
    }

    private static string Describe(SearchSpace space, TrialResult result) => string.Create(
        CultureInfo.InvariantCulture,
        $"{result.Trial.Folder}  rung {result.Rung}  {string.Join(' ', space.Dimensions.Zip(result.Trial.Values, (d, v) => $"{d.Name}={v}"))}  {result.Epochs} epochs  NDCG@10 {result.Ndcg:F4}  {result.Seconds:F1} s");

    /// <summary>The last result of each trial, the best first.</summary>
    private static void Print(TextWriter output, SearchSpace space, SearchResults results)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (var name in (string[])["trial", .. space.Dimensions.Select(d => d.Name), "rung", "epochs", "validation HR@10", "NDCG@10"])
            table.AddColumn(new TableColumn(Markup.Escape(name)).RightAligned());
        var last = results.Rows.GroupBy(row => row.Trial.Number).Select(rows => rows.MaxBy(row => row.Rung)!);
        foreach (var row in last.OrderByDescending(r => r.Rung).ThenByDescending(r => double.IsNaN(r.Ndcg) ? -1 : r.Ndcg))
        {
            string Number(double value) => double.IsNaN(value) ? "failed" : value.ToString("F4", CultureInfo.InvariantCulture);
            table.AddRow([row.Trial.Folder, .. row.Trial.Values.Select(Markup.Escape), $"{row.Rung}", $"{row.Epochs}", Number(row.HitRate), Number(row.Ndcg)]);
        }

        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
    }
}
