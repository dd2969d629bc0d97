using System.CommandLine;
using System.Globalization;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Tradeoff;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Commands;

/// <summary><c>recotrain tradeoff</c>: what premium items in the lists cost in recall, over the reward of a premium watch.</summary>
internal sealed class TradeoffCommand
{
    private readonly DataCommandOptions _data = new();
    private readonly SplitCommandOptions _split = new();

    private readonly Option<string> _run = new("--run") { Description = "A run trained without rewards", HelpName = "DIR", Required = true };

    private readonly Option<string[]> _trained = new("--trained")
    {
        Description = "Runs trained with a reward of premium watches, for example 4=runs/premium4 for --reward \"CASE WHEN premium THEN 4 ELSE 1 END\"",
        HelpName = "RHO=DIR",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<double[]> _rewards = new("--rho")
    {
        Description = "Rewards of a premium watch, where others have 1",
        HelpName = "RHO",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [1, 1.5, 2, 3, 4, 6, 8, 16, 32, 64],
    };

    private readonly Option<int> _length = new("--length") { Description = "Length N of the lists", HelpName = "N", DefaultValueFactory = _ => 20 };

    private readonly Option<string> _out = new("--out") { Description = "Where tradeoff.csv and tradeoff.png go", HelpName = "DIR", Required = true };

    private TradeoffCommand()
    {
    }

    /// <summary>The command, for the root's list.</summary>
    public static Command Create()
    {
        var tradeoff = new TradeoffCommand();
        var command = new Command("tradeoff", "Recall against premium share over the reward of a premium watch: one model's curve, and trained models on it")
        {
            tradeoff._run, tradeoff._trained, tradeoff._rewards, tradeoff._length, tradeoff._out,
        };
        tradeoff._data.AddTo(command);
        tradeoff._split.AddTo(command);
        command.SetWork(tradeoff.Run);
        return command;
    }

    private int Run(ParseResult result, CancellationToken cancellationToken)
    {
        var (length, rewards) = (result.GetValue(_length), result.GetRequiredValue(_rewards));
        if (length is < 1 or > 1000)
            throw new DataException($"{_length.Name} must be between 1 and 1000");
        if (rewards.Any(r => !(r > 0)))
            throw new DataException($"{_rewards.Name} must be above 0");
        var trained = Trained(result);
        var run = result.GetRequiredValue(_run);
        var plain = RunFolder.Open(run);
        if (plain.Settings.HasReward)
            throw new DataException($"{_run.Name} {run}: was trained with rewards; the curve is of a run without --reward and --reward-horizon");
        var ranking = plain.Ranking;
        TradeoffPoint[] curve, points;
        using (var progress = new ProgressLine(result.InvocationConfiguration.Error))
        {
            progress.Show("reading");
            var split = _split.Apply(result, WatchLogReader.Read(_data.Bind(result)));
            var measure = new TradeoffCurve(split, SplitPart.Test, length, ranking);
            TradeoffPoint Measure(string run, IItemScorer scorer, double reward) => measure.Measure(
                scorer,
                reward,
                (done, all) => progress.Show(string.Create(CultureInfo.InvariantCulture, $"{run}, rho {reward:0.##}: {done} of {all} questions")),
                cancellationToken);
            curve = With(run, split, ranking, scorer => rewards.Order().Select(reward => Measure(run, measure.Shifted(scorer, reward), reward)).ToArray());
            points = [.. trained.Select(t => With(t.Run, split, ranking, scorer => Measure(t.Run, scorer, t.Reward)))];
        }

        Directory.CreateDirectory(result.GetRequiredValue(_out));
        string In(string file) => Path.Combine(result.GetRequiredValue(_out), file);
        File.WriteAllText(In("tradeoff.csv"), Csv(curve, points));
        File.WriteAllBytes(In("tradeoff.png"), TradeoffPlot.Draw(curve, points, length));
        Write(result.InvocationConfiguration.Output, curve, points, length);
        return 0;
    }

    private List<(double Reward, string Run)> Trained(ParseResult result) => [.. (result.GetValue(_trained) ?? []).Select(pair =>
        pair.Split('=', 2) is [var reward, var run] && double.TryParse(reward, CultureInfo.InvariantCulture, out var rho) && rho > 0
            ? (rho, run)
            : throw new DataException($"{_trained.Name} {pair}: must be {_trained.HelpName}"))];

    private static T With<T>(string folder, EvaluationSplit split, RankingOptions ranking, Func<IItemScorer, T> use)
    {
        var run = RunFolder.Open(folder);
        if (run.Ranking.Protocol != ranking.Protocol)
            throw new DataException($"{folder} was trained with {run.Ranking.Protocol}; the run of the curve with {ranking.Protocol}");
        run.RequireScores(split);
        LibTorch.EnsureLoaded();
        set_num_threads(run.Settings.Fit.Threads);
        using var network = run.LoadBest(run.ReadCatalogue());
        return use(new NetworkScorer(network, run.Settings.Fit.MaxHistory));
    }

    private static string Csv(IEnumerable<TradeoffPoint> curve, IEnumerable<TradeoffPoint> trained)
    {
        var lines = curve.Select(p => (Kind: "shifted", Point: p)).Concat(trained.Select(p => (Kind: "trained", Point: p)))
            .Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Kind},{l.Point.Reward},{l.Point.Recall:F6},{l.Point.PremiumShare:F6}\n"));
        return "kind,reward,recall,premium_share\n" + string.Concat(lines);
    }

    private static void Write(TextWriter output, TradeoffPoint[] curve, TradeoffPoint[] trained, int length)
    {
        var base_ = curve.MinBy(p => Math.Abs(Math.Log(p.Reward)))!;
        output.WriteLine($"    rho  recall@{length}  relative  premium share");
        foreach (var p in curve)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{p.Reward,7:0.##}  {p.Recall,9:F4}  {p.Recall / base_.Recall,8:P1}  {p.PremiumShare,13:P1}"));
        foreach (var p in trained)
        {
            var on = TradeoffCurve.RecallAt(curve, p.PremiumShare);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{p.Reward,7:0.##}  {p.Recall,9:F4}  {p.Recall / base_.Recall,8:P1}  {p.PremiumShare,13:P1}  trained; the curve has {on:F4} at this share, {(p.Recall / on) - 1:+0.0%;-0.0%} "));
        }
    }
}
