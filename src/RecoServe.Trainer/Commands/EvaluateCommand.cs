using System.CommandLine;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain evaluate</c>: the leave-one-out full ranking of one scorer.</summary>
internal sealed class EvaluateCommand
{
    private readonly DataCommandOptions _data = new();

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

    private readonly Option<string> _part = new("--part")
    {
        Description = "The held-out events to ask for",
        DefaultValueFactory = _ => "both",
    };

    private readonly Option<string> _ties = new("--ties")
    {
        Description = "The target's rank among equal scores",
        DefaultValueFactory = _ => "optimistic",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON instead of a table" };

    private EvaluateCommand()
    {
        _baseline.AcceptOnlyFromAmong([.. Baselines.ByName.Keys]);
        _part.AcceptOnlyFromAmong("test", "validation", "both");
        _ties.AcceptOnlyFromAmong("optimistic", "pessimistic", "mean");
    }

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var evaluate = new EvaluateCommand();
        var command = new Command("evaluate", "Rank every user's held-out items among all items, and print HR, NDCG and MRR")
        {
            evaluate._baseline, evaluate._model, evaluate._part, evaluate._ties, evaluate._json,
        };
        evaluate._data.AddTo(command);
        command.Validators.Add(result =>
        {
            switch (result.GetResult(evaluate._baseline), result.GetResult(evaluate._model))
            {
                case (null, null):
                    result.AddError("name what to evaluate: --baseline NAME or --model DIR");
                    break;
                case (not null, not null):
                    result.AddError("name either --baseline or --model, not both");
                    break;
            }
        });
        command.SetAction((result, cancellationToken) => Task.FromResult(evaluate.Run(result, cancellationToken)));
        return command;
    }

    private int Run(ParseResult result, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        var (output, error) = (result.InvocationConfiguration.Output, result.InvocationConfiguration.Error);
        var options = new RankingOptions { Ties = Enum.Parse<TieRule>(result.GetRequiredValue(_ties), ignoreCase: true) };
        List<(SplitPart, RankingReport)> reports = [];
        LeaveOneOutSplit split;
        string name;
        using (var progress = new ProgressLine(error))
        {
            progress.Show("reading");
            split = new LeaveOneOutSplit(WatchLogReader.Read(_data.Bind(result)));
            split.RequireTargets();
            (name, var scorer) = CreateScorer(result, split);
            using var owned = scorer as IDisposable;
            foreach (var part in PartsOf(result.GetRequiredValue(_part)))
            {
                reports.Add((part, FullRanking.Evaluate(
                    split, part, scorer, options, (done, all) => progress.Show($"{part}: {done} of {all} users"), cancellationToken)));
            }
        }

        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        var summary = new EvaluationSummary(name, options.Ties, split.EvaluatedUsers.Count, split.Log.Catalogue.Count, reports, seconds);
        summary.WriteWarnings(error);
        if (result.GetValue(_json))
            summary.WriteJson(output);
        else
            summary.WriteTable(output);
        return 0;
    }

    /// <summary>The one place that knows what can be evaluated.</summary>
    private (string Name, IItemScorer Scorer) CreateScorer(ParseResult result, LeaveOneOutSplit split) =>
        result.GetValue(_baseline) is { } baseline
            ? (baseline, Baselines.ByName[baseline](split))
            : (result.GetRequiredValue(_model), new PackageScorer(result.GetRequiredValue(_model), split.Log));

    private static SplitPart[] PartsOf(string part) => part switch
    {
        "validation" => [SplitPart.Validation],
        "test" => [SplitPart.Test],
        _ => [SplitPart.Validation, SplitPart.Test],
    };
}
