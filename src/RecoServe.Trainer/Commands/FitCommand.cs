using System.CommandLine;
using System.Globalization;
using RecoServe.Trainer.Configuration;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Reports;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain fit</c>: trains a network on a log, keeps the weights that validate best, and tests them.</summary>
internal sealed class FitCommand
{
    private readonly DataCommandOptions _data = new();
    private readonly SplitCommandOptions _split = new();
    private readonly RankingCommandOptions _ranking = new();
    private readonly FeedbackCommandOptions _feedback = new();
    private readonly FitCommandOptions _fit = new();

    private readonly Option<string> _out = new("--out")
    {
        Description = "The run's folder: checkpoints, metrics, everything that an export needs",
        HelpName = "DIR",
        Required = true,
    };

    private readonly Option<bool> _resume = new("--resume")
    {
        Description = "Go on where the run in --out stopped; the result is bit for bit that of not having stopped",
    };

    private readonly Option<string?> _startFrom = new("--start-from")
    {
        Description = "Begin with the best weights of another run on the same log, split and network, for example of one without --reward",
        HelpName = "RUN",
    };

    private FitCommand()
    {
    }

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var fit = new FitCommand();
        var command = new Command("fit", "Train a network; Ctrl-C stops after the current batch and leaves a run that --resume continues")
        {
            fit._out, fit._resume, fit._startFrom, ConfigFile.CreateOption(),
        };
        fit._data.AddTo(command);
        fit._split.AddTo(command);
        fit._ranking.AddTo(command);
        fit._feedback.AddTo(command);
        fit._fit.AddTo(command);
        command.SetWork(fit.Run);
        return command;
    }

    private int Run(ParseResult result, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        var error = result.InvocationConfiguration.Error;
        var data = _data.Bind(result);
        var ranking = _ranking.Bind(result);
        var stored = result.GetValue(_resume) ? RunFolder.Open(result.GetRequiredValue(_out)) : null;
        if (stored is null)
            RunFolder.RequireFree(result.GetRequiredValue(_out));
        var options = _fit.Bind(result, stored?.Settings.Fit);
        data = data with { Feedback = _feedback.Bind(result, options.Objective.Propensity == PropensitySource.Column) };
        ObjectiveCommandOptions.RequireFit(options.Objective, data.Feedback);
        using var log = WatchLogReader.Read(data); // a search reads it again and again
        var split = _split.Apply(result, log);
        stored?.RequireSame(split.Log);
        stored?.RequireSame(RunSettings.SplitKey, split.Name);
        stored?.RequireSame(RunSettings.RankingKey, ranking.Protocol);
        stored?.RequireSame(RunSettings.StartKey, NameOf(result.GetValue(_startFrom)));
        RequireFit(options, split.Log);
        int[] lengths = [.. Enumerable.Range(0, split.Log.UserCount).Select(split.TrainingLengthOf)];
        var set = new TrainingSet(split.Log, lengths, options.Window, options.Windows, split.LengthsBeforeTest());
        if (set.WindowCount == 0)
            throw new DataException("nothing is left to learn from: no user has an impression before the last training watch");
        var start = stored?.Checkpoint.CanResume != true && result.GetValue(_startFrom) is { } from ? RunFolder.Open(from) : null;
        start?.RequireScores(split);
        var shape = RunSettings.ShapeOf(options, split.Log.ContextFields, stored?.ReadCatalogue() ?? split.Log.Catalogue);
        start?.RequireSameNetwork(shape);

        PrepareTorch(options, error);
        using var network = new NextWatchNetwork(shape, options.Dropout);
        network.SetPopularity(set.ItemRewards);
        start?.Start(network, set, data.Feedback);
        var config = ResolvedConfig.Of(result, _fit.ValuesOf(options));
        stored?.Continue(options, config);
        var run = stored ?? RunFolder.Create(result.GetRequiredValue(_out), split.Log, options, Describe(data, split, ranking, NameOf(result.GetValue(_startFrom))), config);
        var fit = FitConsole.Show(error, progress =>
            new TrainingLoop(set, network, options, run, scorer => Validate(split, ranking, scorer), progress, TimeProvider.System).Run(cancellationToken));
        if (fit.Reason == StopReason.Interrupted)
        {
            error.WriteLine($"stopped; recotrain fit --resume --out {run.Path} goes on");
            return CommandRunner.Cancelled;
        }

        error.WriteLine($"stopped: {Describe(fit.Reason)}; the best weights are those of epoch {fit.Epoch}");
        Test(split, ranking, options, new NetworkScorer(network, options.MaxHistory), run, result.InvocationConfiguration, TimeProvider.System.GetElapsedTime(began).TotalSeconds);
        return 0;
    }

    /// <summary>Refuses settings that the log cannot serve.</summary>
    private static void RequireFit(FitOptions options, WatchLog log)
    {
        ObjectiveCommandOptions.RequireFit(options.Objective, log);
        if (options.TimeGaps && !log.HasTimes)
            throw new DataException("--time-gaps: the log has no times; a table with a column timestamp has");
        if (options.HistoryContext && log.ContextFields.Count == 0)
            throw new DataException("--history-context: there is no context; --context names columns of the log");
        foreach (var feature in options.ItemFeatures)
            ItemFeature.Read(log.Catalogue, feature);
    }

    /// <summary>Loads torch, and seeds it: the network's first weights are a function of the seed.</summary>
    private static void PrepareTorch(FitOptions options, TextWriter error)
    {
        if (ComputeDevice.Use(options.Device) is not "cpu" and var device)
            error.WriteLine($"training on {device}");
        set_num_threads(options.Threads);
        if (!FastProducts.TrySet(options.FastProducts) && options.FastProducts)
            error.WriteLine("recotrain: --fast-products has no effect: this libtorch has no such switch");
        manual_seed(options.Seed).Dispose();
    }

    private static ValidationScore Validate(EvaluationSplit split, RankingOptions ranking, IItemScorer scorer)
    {
        var options = RankingOptions.Default with { Ties = ranking.Ties, KeepSeen = ranking.KeepSeen };
        var report = FullRanking.Evaluate(split, SplitPart.Validation, scorer, options);
        return new ValidationScore(report["HR@10"], report["NDCG@10"]);
    }

    private static void Test(
        EvaluationSplit split, RankingOptions ranking, FitOptions options, NetworkScorer scorer, RunFolder run, InvocationConfiguration console, double seconds)
    {
        (SplitPart Part, RankingReport Report)[] reports =
            [.. new[] { SplitPart.Validation, SplitPart.Test }.Select(part => (part, FullRanking.Evaluate(split, part, scorer, ranking)))];
        run.WriteMetrics(reports
            .SelectMany(r => r.Report.Metrics.Select(m => KeyValuePair.Create($"{(r.Part == SplitPart.Test ? "test" : "validation")}/{m.Key}", m.Value)))
            .ToDictionary());
        var summary = new EvaluationSummary(options.Network.ToString().ToLowerInvariant(), split, ranking, reports, seconds);
        summary.WriteWarnings(console.Error);
        summary.WriteTable(console.Output);
        console.Error.WriteLine($"report: {RunReport.Write(run)}");
    }

    private static string NameOf(string? folder) => folder is null ? "" : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    private static string Describe(StopReason reason) => reason switch
    {
        StopReason.MaxEpochs => "all epochs are done",
        StopReason.NoImprovement => "validation no longer improves",
        _ => "the time is spent",
    };

    /// <summary>File names without folders: settings travel with the package, and a machine's folders are nobody's business.</summary>
    private static Dictionary<string, string> Describe(DataOptions data, EvaluationSplit split, RankingOptions ranking, string start) => new Dictionary<string, string>
    {
        [RunSettings.LogKey] = data.FileNames,
        ["item_file"] = Path.GetFileName(data.Items) ?? "",
        ["context"] = string.Join(',', data.ContextColumns),
        ["columns"] = string.Join(' ', data.Columns.Select(c => $"{c.Key}={c.Value}")),
        ["separators"] = string.Join(' ', data.Separators.Select(s => $"{s.Key}={s.Value}")),
        ["where"] = data.Where ?? "",
        ["impressions"] = string.Join(' ', data.Feedback.Impressions.Select(Path.GetFileName)),
        [RunSettings.RewardKey] = data.Feedback.Reward ?? "",
        [RunSettings.HorizonKey] = data.Feedback.HorizonSeconds.ToString(CultureInfo.InvariantCulture),
        ["reward_discount"] = $"{data.Feedback.Discount}",
        ["min_item_count"] = $"{data.MinItemCount}",
        ["min_user_count"] = $"{data.MinUserCount}",
        ["test_log"] = string.Join(' ', data.TestData.Select(Path.GetFileName)),
        [RunSettings.SplitKey] = split.Name,
        [RunSettings.RankingKey] = ranking.Protocol,
        [RunSettings.StartKey] = start,
    }.Concat(SplitCounts.Of(split)).ToDictionary();
}
