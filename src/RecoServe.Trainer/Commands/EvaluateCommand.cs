using System.CommandLine;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain evaluate</c>: the full ranking of one scorer, or of two beside each other.</summary>
internal sealed class EvaluateCommand
{
    private readonly DataCommandOptions _data = new();
    private readonly SplitCommandOptions _split = new();
    private readonly RankingCommandOptions _ranking = new();
    private readonly BootstrapCommandOptions _bootstrap = new();

    private readonly Option<string> _baseline = new("--baseline")
    {
        Description = $"A scorer without weights, counted on the training events: {string.Join(", ", Baselines.ByName.Keys)}",
        HelpName = "NAME",
    };

    private readonly Option<string> _model = new("--model")
    {
        Description = "A model package, scored by the code that serves it",
        HelpName = "DIR",
    };

    private readonly Option<string?> _against = new("--against")
    {
        Description = "A second baseline or package, compared question by question",
        HelpName = "NAME|DIR",
    };

    private readonly Option<string> _countedOn = new("--counted-on")
    {
        Description = "What baselines are counted on: training events; those of the validation too; or everything, the test included, as some published tables do",
        HelpName = "training|validation|everything",
        DefaultValueFactory = _ => "training",
    };

    private readonly Option<string> _part = new("--part")
    {
        Description = "The held-out events to ask for",
        DefaultValueFactory = _ => "both",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON instead of a table" };

    private EvaluateCommand()
    {
        _baseline.AcceptOnlyFromAmong([.. Baselines.ByName.Keys]);
        _countedOn.AcceptOnlyFromAmong("training", "validation", "everything");
        _part.AcceptOnlyFromAmong("test", "validation", "both");
    }

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var evaluate = new EvaluateCommand();
        var command = new Command("evaluate", "Rank held-out items among all items, and print accuracy and what the lists are like, with intervals")
        {
            evaluate._baseline, evaluate._model, evaluate._against, evaluate._countedOn, evaluate._part, evaluate._json,
        };
        evaluate._bootstrap.AddTo(command);
        evaluate._ranking.AddTo(command);
        evaluate._split.AddTo(command);
        evaluate._data.AddTo(command);
        command.Validators.Add(result =>
        {
            switch (result.GetResult(evaluate._baseline), result.GetResult(evaluate._model))
            {
                case (null, null):
                    result.AddError("name what to evaluate: --baseline NAME or --model DIR");
                    break;
                case (not null, not null):
                    result.AddError("name either --baseline or --model, not both; a second one is --against");
                    break;
            }
        });
        command.SetWork(evaluate.Run);
        return command;
    }

    private int Run(ParseResult result, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        var (output, error) = (result.InvocationConfiguration.Output, result.InvocationConfiguration.Error);
        var countedOn = result.GetRequiredValue(_countedOn);
        var options = _ranking.Bind(result) with { AllowLeaks = countedOn == "everything" };
        var name = result.GetValue(_baseline) ?? result.GetRequiredValue(_model);
        var data = _data.Bind(result);
        List<string> warnings = [];
        EvaluationSplit split;
        IReadOnlyList<(SplitPart Part, RankingReport Report)> first, second = [];
        using (var progress = new ProgressLine(error))
        {
            progress.Show("reading");
            var asked = _split.Apply(result, WatchLogReader.Read(data));
            split = CountedOn(countedOn, asked);
            IReadOnlyList<(SplitPart, RankingReport)> Rank(string which)
            {
                var scorer = CreateScorer(which, split);
                using var owned = scorer as IDisposable;
                if (scorer is PackageScorer package)
                    warnings.AddRange(UnlikeTraining.Warnings(package, which, data, asked, options));
                return Evaluate(split, PartsOf(result), which, scorer, options, progress, cancellationToken);
            }

            first = Rank(name);
            if (result.GetValue(_against) is { } other)
                second = Rank(other);
        }

        var (resamples, seed) = _bootstrap.Bind(result);
        var summary = new EvaluationSummary(name, split, options, first, TimeProvider.System.GetElapsedTime(start).TotalSeconds)
        {
            Resamples = resamples,
            Seed = seed,
            Against = result.GetValue(_against),
            Others = second,
        };
        warnings.ForEach(error.WriteLine);
        summary.WriteWarnings(error);
        if (result.GetValue(_json))
            summary.WriteJson(output);
        else
            summary.WriteTable(output);
        return 0;
    }

    private static List<(SplitPart Part, RankingReport Report)> Evaluate(
        EvaluationSplit split, SplitPart[] parts, string name, IItemScorer scorer, RankingOptions options, ProgressLine progress, CancellationToken cancellationToken) =>
        [.. parts.Select(part => (part, FullRanking.Evaluate(
            split, part, scorer, options, (done, all) => progress.Show($"{name}, {part}: {done} of {all} questions"), cancellationToken)))];

    /// <summary>The one place that knows what can be evaluated.</summary>
    private static IItemScorer CreateScorer(string name, EvaluationSplit split) =>
        Baselines.ByName.TryGetValue(name, out var baseline) ? baseline(split) : new PackageScorer(name, split.Log);

    private static EvaluationSplit CountedOn(string what, EvaluationSplit split) => what switch
    {
        "validation" => split.TrainedOn("counted on the validation too", split.LengthsBeforeTest()),
        "everything" => split.TrainedOn("counted on everything", [.. Enumerable.Range(0, split.Log.UserCount).Select(u => split.Log.ItemsOf(u).Length)]),
        _ => split,
    };

    /// <summary>Who has counted the validation targets can only be tested.</summary>
    private SplitPart[] PartsOf(ParseResult result) => (result.GetRequiredValue(_part), result.GetRequiredValue(_countedOn)) switch
    {
        ("validation", _) => [SplitPart.Validation],
        ("both", "training") => [SplitPart.Validation, SplitPart.Test],
        _ => [SplitPart.Test],
    };
}
