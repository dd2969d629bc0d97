using System.Globalization;
using RecoServe.Trainer.Evaluation.OffPolicy;

namespace RecoServe.Trainer.Tests.Evaluation.OffPolicy;

/// <summary>Values of other programs for the same rounds, to every digit that they print.</summary>
public sealed class OffPolicyAnchorTests(ITestOutputHelper output)
{
    private static readonly double[] Grid = [1, 5, 10, 20, 100];

    [Fact]
    public void Estimate_SyntheticRounds_EqualsEveryExpectedDigit()
    {
        var (rounds, truth) = Synthetic();
        var largest = 0.0;
        foreach (var expected in Rows(SharedData.PathOf("ope-synthetic/ope_synth_1000_expected.csv")))
        {
            var value = EstimatorOf(expected["estimator"], rounds).Estimate(rounds);
            Assert.Equal(Number(expected["value"]), value, 1e-12);
            Assert.Equal(Number(expected["relative_ee"]), Math.Abs(value - truth) / truth, 1e-12);
            largest = Math.Max(largest, Math.Abs(value - Number(expected["value"])));
        }

        output.WriteLine($"off-policy estimators: largest difference from the expected digits {largest:G2}");
    }

    /// <summary>A log of uniform choices, for a policy of known probabilities; the model is shrunk counts of the same log.</summary>
    [Theory]
    [InlineData("IPW", .004533560000)]
    [InlineData("IPW capped at 2", .003310764000)]
    [InlineData("SNIPW", .004604232164)]
    [InlineData("DM", .004613095650)]
    [InlineData("DR", .004622833491)]
    [InlineData("SNDR", .004622985291)]
    [InlineData("Switch-DR at 2", .004658244317)]
    [InlineData("DRos at 10", .004712346670)]
    [InlineData("SG-IPW at 0.1", .003896749270)]
    [InlineData("SG-DR at 0.1", .004699697074)]
    public void Estimate_OpenBanditRounds_EqualsThePrintedDigits(string name, double expected)
    {
        OffPolicyEstimator[] estimators =
        [
            OffPolicyEstimator.Ipw(), OffPolicyEstimator.Ipw(2), OffPolicyEstimator.Snipw, OffPolicyEstimator.DirectMethod, OffPolicyEstimator.Dr(), OffPolicyEstimator.Sndr,
            OffPolicyEstimator.SwitchDr(2), OffPolicyEstimator.OptimisticDr(10), OffPolicyEstimator.SubGaussianIpw(.1), OffPolicyEstimator.SubGaussianDr(.1),
        ];
        Assert.Equal(expected, estimators.Single(e => e.Name == name).Estimate(OpenBandit()), 1e-12);
    }

    private static OffPolicyEstimator EstimatorOf(string name, LoggedRound[] rounds) => name switch
    {
        "ipw" => OffPolicyEstimator.Ipw(),
        "ipw(cap5)" => OffPolicyEstimator.Ipw(5),
        "snipw" => OffPolicyEstimator.Snipw,
        "dm" => OffPolicyEstimator.DirectMethod,
        "dr" => OffPolicyEstimator.Dr(),
        "dr(cap5)" => OffPolicyEstimator.Dr(5),
        "sndr" => OffPolicyEstimator.Sndr,
        "switch-dr(5)" => OffPolicyEstimator.SwitchDr(5),
        "dr-os(5)" => OffPolicyEstimator.OptimisticDr(5),
        "dr-os(100)" => OffPolicyEstimator.OptimisticDr(100),
        "sg-ipw(.1)" => OffPolicyEstimator.SubGaussianIpw(.1),
        "sg-dr(.1)" => OffPolicyEstimator.SubGaussianDr(.1),
        _ => Tuned(name, rounds),
    };

    /// <summary>Of <c>family-tuned-method(lambda=λ)</c>; the choice must be the λ that the name has.</summary>
    private static OffPolicyEstimator Tuned(string name, LoggedRound[] rounds)
    {
        var parts = name.Split('-', '=', ')');
        Func<double, OffPolicyEstimator> family = parts[0] switch
        {
            "switch" => OffPolicyEstimator.SwitchDr,
            "dros" => OffPolicyEstimator.OptimisticDr,
            _ => OffPolicyEstimator.Ipw,
        };
        var chosen = parts[2].StartsWith("slope", StringComparison.Ordinal) ? OffPolicyTuning.BySlope(rounds, Grid, family) : OffPolicyTuning.BySquaredError(rounds, Grid, family);
        Assert.Equal(Number(parts[3]), chosen);
        return family(chosen);
    }

    private static (LoggedRound[] Rounds, double Truth) Synthetic()
    {
        var rows = Rows(SharedData.PathOf("ope-synthetic/ope_synth_1000.csv")).ToArray();
        double[] Actions(Dictionary<string, string> row, string name) => [.. Enumerable.Range(0, 10).Select(a => Number(row[$"{name}_{a}"]))];
        double Mean(Dictionary<string, string> row, string rewards) => Actions(row, "pi_e").Zip(Actions(row, rewards), (p, q) => p * q).Sum();
        LoggedRound[] rounds =
        [
            .. rows.Select((row, i) => new LoggedRound(
                i, Number(row["reward"]), Number(row["pscore"]), Number(row[$"pi_e_{row["action"]}"]), Number(row[$"q_hat_{row["action"]}"]), Mean(row, "q_hat"))),
        ];
        return (rounds, rows.Average(row => Mean(row, "q_true")));
    }

    private static LoggedRound[] OpenBandit()
    {
        const double Prior = 100, Rate = .0046;
        var policy = File.ReadLines(SharedData.PathOf("obd-men/action_dist_bts.csv")).Select(line => line.Split(',').Select(Number).ToArray()).ToArray();
        var rows = Rows(SharedData.PathOf("obd-men/random/men.csv"))
            .Select(row => (Item: (int)Number(row["item_id"]), Place: (int)Number(row["position"]) - 1, Click: Number(row["click"]), Propensity: Number(row["propensity_score"]))).ToArray();
        var counts = rows.GroupBy(row => (row.Item, row.Place)).ToDictionary(g => g.Key, g => (g.Sum(row => row.Click) + (Prior * Rate)) / (g.Count() + Prior));
        double Model(int item, int place) => counts.GetValueOrDefault((item, place), Rate);
        double[] expected = [.. Enumerable.Range(0, 3).Select(place => Enumerable.Range(0, policy.Length).Sum(item => policy[item][place] * Model(item, place)))];
        return [.. rows.Select((row, i) => new LoggedRound(i, row.Click, row.Propensity, policy[row.Item][row.Place], Model(row.Item, row.Place), expected[row.Place]))];
    }

    private static IEnumerable<Dictionary<string, string>> Rows(string path)
    {
        var header = File.ReadLines(path).First().Split(',');
        return File.ReadLines(path).Skip(1).Select(line => header.Zip(line.Split(',')).Where(f => f.First.Length > 0).ToDictionary());
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
