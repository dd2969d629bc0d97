using System.CommandLine;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Evaluation.OffPolicy;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain off-policy</c>: what a package's policy would earn on displays that another policy chose.</summary>
internal sealed class OffPolicyCommand
{
    private readonly DataCommandOptions _data = new();
    private readonly SplitCommandOptions _split = new();
    private readonly FeedbackCommandOptions _feedback = new();
    private readonly BootstrapCommandOptions _bootstrap = new();

    private readonly Option<string> _model = new("--model")
    {
        Description = "The model package whose policy is judged",
        HelpName = "DIR",
        Required = true,
    };

    private readonly Option<double> _temperature = new("--temperature")
    {
        Description = "T of the policy, the softmax of scores / T over all items not watched before",
        HelpName = "T",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<string> _part = new("--part")
    {
        Description = "The held-out displays to judge by",
        DefaultValueFactory = _ => "test",
    };

    private readonly Option<int> _slots = new("--slots")
    {
        Description = "Judge by the displays of the first N slots alone; 0: by all",
        HelpName = "N",
    };

    private readonly Option<double?> _weightCap = new("--weight-cap")
    {
        Description = "The cap of IPW's weights, and the threshold of Switch-DR; without it, SLOPE chooses each",
        HelpName = "N",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON instead of a table" };

    private OffPolicyCommand() => _part.AcceptOnlyFromAmong("test", "validation");

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var offPolicy = new OffPolicyCommand();
        var command = new Command("off-policy", "Estimate what a package's policy would earn, from displays with known propensities that it has not learned")
        {
            offPolicy._model, offPolicy._temperature, offPolicy._part, offPolicy._slots, offPolicy._weightCap, offPolicy._json,
        };
        offPolicy._bootstrap.AddTo(command);
        offPolicy._feedback.AddTo(command);
        offPolicy._split.AddTo(command);
        offPolicy._data.AddTo(command);
        command.SetWork(offPolicy.Run);
        return command;
    }

    private int Run(ParseResult result, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        var (output, error) = (result.InvocationConfiguration.Output, result.InvocationConfiguration.Error);
        var (name, temperature, part) = (result.GetRequiredValue(_model), result.GetValue(_temperature), Enum.Parse<SplitPart>(result.GetRequiredValue(_part), ignoreCase: true));
        RequireFit(result);
        var data = _data.Bind(result) with { Feedback = _feedback.Bind(result, usesPropensity: true) with { KeepsTimes = true } };
        if (data.Feedback.Impressions.Count == 0)
            throw new DataException("--impressions names files of what was shown: watches alone do not tell what a display is worth");
        List<LoggedRound> rounds;
        List<string> warnings;
        using (var progress = new ProgressLine(error))
        {
            progress.Show("reading");
            using var log = WatchLogReader.Read(data);
            var split = _split.Apply(result, log);
            var displays = new HeldOutDisplays(split, part, result.GetValue(_slots));
            using var scorer = new PackageScorer(name, log);
            warnings = [.. UnlikeTraining.Warnings(scorer, name, data, split, ranking: null)];
            rounds = displays.Rounds(scorer, temperature, ItemRewards.Of(split), done => progress.Show($"{name}: {done} displays"), cancellationToken);
        }

        if (rounds.Count == 0)
            throw new DataException($"nothing was shown in the period of the {result.GetRequiredValue(_part)}");
        var evaluation = new OffPolicyEvaluation(rounds);
        var (resamples, seed) = _bootstrap.Bind(result);
        var estimates = evaluation.Estimate(Estimators(rounds, result.GetValue(_weightCap)), resamples, seed);
        var summary = new OffPolicySummary(name, temperature, DisplaysOf(result), evaluation, estimates, TimeProvider.System.GetElapsedTime(start).TotalSeconds);
        warnings.ForEach(error.WriteLine);
        summary.WriteWarnings(error);
        if (result.GetValue(_json))
            summary.WriteJson(output);
        else
            summary.WriteTable(output);
        return 0;
    }

    private void RequireFit(ParseResult result)
    {
        if (!(result.GetValue(_temperature) is > 0 and <= 1e6))
            throw new DataException($"{_temperature.Name} must be above 0 and at most 1000000");
        if (result.GetValue(_slots) < 0)
            throw new DataException($"{_slots.Name} must be 0 or more");
        if (result.GetValue(_weightCap) is { } cap && !(cap > 0))
            throw new DataException($"{_weightCap.Name} must be above 0");
    }

    private string DisplaysOf(ParseResult result) =>
        $"{result.GetRequiredValue(_part)}{(result.GetValue(_slots) is > 0 and var slots ? slots == 1 ? ", slot 1" : $", slots 1 to {slots}" : "")}";

    private static OffPolicyEstimator[] Estimators(List<LoggedRound> rounds, double? cap)
    {
        double Parameter(Func<double, OffPolicyEstimator> family) => cap ?? OffPolicyTuning.BySlope(rounds, OffPolicyTuning.Weights, family);
        return
        [
            OffPolicyEstimator.LoggingPolicy,
            OffPolicyEstimator.Ipw(),
            OffPolicyEstimator.Ipw(Parameter(OffPolicyEstimator.Ipw)),
            OffPolicyEstimator.Snipw,
            OffPolicyEstimator.DirectMethod,
            OffPolicyEstimator.Dr(),
            OffPolicyEstimator.Sndr,
            OffPolicyEstimator.SwitchDr(Parameter(OffPolicyEstimator.SwitchDr)),
        ];
    }
}
