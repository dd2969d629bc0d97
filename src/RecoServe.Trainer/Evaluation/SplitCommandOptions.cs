using System.CommandLine;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>The command line's way to choose a split, the same for every command that evaluates.</summary>
internal sealed class SplitCommandOptions
{
    private readonly Option<string> _split = new("--split")
    {
        Description = "last: each user's last two events are held out; time: one point in time for all; given: --test-data is the test",
        HelpName = "last|time|given",
        DefaultValueFactory = _ => "last",
    };

    private readonly Option<string?> _testFrom = new("--test-from")
    {
        Description = "Where the test period begins: a date, or the share of events before it; default .9",
        HelpName = "DATE|FRACTION",
    };

    private readonly Option<string?> _validateFrom = new("--validate-from")
    {
        Description = "Where the validation period begins; default: the last tenth of the events before the test",
        HelpName = "DATE|FRACTION",
    };

    private readonly Option<string?> _targets = new("--targets")
    {
        Description = "Which events of a period are asked for: every one (the default), each user's first or last, or all new items together",
        HelpName = "every|first|last|together",
    };

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        _split.AcceptOnlyFromAmong("last", "time", "given");
        _targets.AcceptOnlyFromAmong([.. Enum.GetNames<TargetRule>().Select(name => name.ToLowerInvariant())]);
        foreach (var option in (Option[])[_split, _testFrom, _validateFrom, _targets])
            command.Options.Add(option);
    }

    /// <summary>Splits a log as the user asked.</summary>
    /// <exception cref="DataException">The log cannot be split so, or options contradict each other.</exception>
    public EvaluationSplit Apply(ParseResult result, WatchLog log)
    {
        var kind = result.GetRequiredValue(_split);
        foreach (var option in (Option[])[_testFrom, _validateFrom, _targets])
        {
            if (kind != "time" && result.GetResult(option) is { Implicit: false })
                throw new DataException($"{option.Name} is for --split time");
        }

        if (log.HasTestData != (kind == "given"))
            throw new DataException("--split given and --test-data go together");
        EvaluationSplit split = kind switch
        {
            "time" => TimeSplit.Of(log, Point(result, _validateFrom), Point(result, _testFrom), Enum.Parse<TargetRule>(result.GetValue(_targets) ?? nameof(TargetRule.Every), ignoreCase: true)),
            "given" => new GivenSplit(log),
            _ => new LeaveOneOutSplit(log),
        };
        split.RequireTargets();
        return split;
    }

    private static SplitPoint? Point(ParseResult result, Option<string?> option) =>
        result.GetValue(option) is { } text ? SplitPoint.Parse(option.Name, text) : null;
}
