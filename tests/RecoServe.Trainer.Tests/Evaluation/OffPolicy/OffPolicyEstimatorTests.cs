using RecoServe.Trainer.Evaluation.OffPolicy;

namespace RecoServe.Trainer.Tests.Evaluation.OffPolicy;

public sealed class OffPolicyEstimatorTests
{
    private static readonly OffPolicyEstimator[] All =
    [
        OffPolicyEstimator.Ipw(), OffPolicyEstimator.Ipw(1), OffPolicyEstimator.Snipw, OffPolicyEstimator.SubGaussianIpw(0.3), OffPolicyEstimator.DirectMethod,
        OffPolicyEstimator.Dr(), OffPolicyEstimator.Dr(1), OffPolicyEstimator.Sndr, OffPolicyEstimator.SwitchDr(1), OffPolicyEstimator.OptimisticDr(5), OffPolicyEstimator.SubGaussianDr(0.3),
    ];

    private static readonly double[] Logging = [0.5, 0.3, 0.2], Judged = [0.1, 0.2, 0.7], Rewards = [1, 2, 4];

    [Fact]
    public void Estimate_PolicyIsTheLoggingPolicy_IsTheMeanReward()
    {
        var rounds = Draw(Logging, noise: 1, model: [0, 0, 0]);
        foreach (var estimator in All.Where(e => e.Name is not ("DM" or "DRos at 5")))
            Assert.Equal(rounds.Average(r => r.Reward), estimator.Estimate(rounds), 1e-9);
    }

    [Fact]
    public void Estimate_ExactModelAndNoNoise_HasNoVariance()
    {
        var rounds = Draw(Judged, noise: 0, model: Rewards);
        foreach (var estimator in All.Where(e => e.Name is "DM" or "DR" or "DR capped at 1" or "SNDR" or "Switch-DR at 1" or "DRos at 5" or "SG-DR at 0.3"))
        {
            var estimate = new OffPolicyEvaluation(rounds).Estimate([estimator], 200, 1).Single();
            Assert.Equal(0.1 + 0.4 + 2.8, estimate.Value, 1e-9);
            Assert.Equal((estimate.Value, estimate.Value), (estimate.Low, estimate.High), Near);
        }
    }

    [Fact]
    public void Estimate_Unbiased_IsWithinItsInterval_AndTheModelNarrowsIt()
    {
        var evaluation = new OffPolicyEvaluation(Draw(Judged, noise: 1, model: [1.2, 1.9, 3.8]));
        var estimates = evaluation.Estimate([OffPolicyEstimator.Ipw(), OffPolicyEstimator.Snipw, OffPolicyEstimator.Dr(), OffPolicyEstimator.Sndr], 500, 1);
        Assert.All(estimates, e => Assert.InRange(3.3, e.Low, e.High));
        Assert.True(estimates[2].High - estimates[2].Low < (estimates[0].High - estimates[0].Low) / 2);
        Assert.Equal(1, evaluation.MeanWeight, 0.05);
        Assert.Equal(3.5, evaluation.MaxWeight, 1e-9);
        Assert.Equal(1 / ((0.01 / 0.5) + (0.04 / 0.3) + (0.49 / 0.2)), evaluation.EffectiveShare, 0.02);
    }

    /// <summary>Ten times all weights: self-normalised, estimate and interval stay as they are.</summary>
    [Fact]
    public void Estimate_SelfNormalised_DoesNotDependOnTheScaleOfWeights()
    {
        var rounds = Draw(Judged, noise: 1, model: [0, 0, 0]);
        var scaled = rounds.Select(r => r with { Propensity = r.Propensity / 10 }).ToArray();
        var (one, ten) = (new OffPolicyEvaluation(rounds).Estimate([OffPolicyEstimator.Snipw], 100, 3).Single(), new OffPolicyEvaluation(scaled).Estimate([OffPolicyEstimator.Snipw], 100, 3).Single());
        Assert.Equal(one.Value, ten.Value, 1e-9);
        Assert.Equal((one.Low, one.High), (ten.Low, ten.High), Near);
    }

    [Fact]
    public void Estimate_NoResamples_HasNoInterval()
    {
        var estimate = new OffPolicyEvaluation([new LoggedRound(0, 3, 0.5, 0.25)]).Estimate([OffPolicyEstimator.Ipw()], 0, 1).Single();
        Assert.Equal(new OffPolicyEstimate("IPW", 1.5, double.NaN, double.NaN), estimate);
    }

    /// <summary>Where the cap cuts nothing off, all parameters agree and the narrowest is as good as any; where it cuts much off, SLOPE lets it be.</summary>
    [Fact]
    public void BySlope_CapsThatBias_AreNotChosen()
    {
        var rounds = Draw(Judged, noise: 1, model: [0, 0, 0], count: 20_000);
        Assert.Equal(4, OffPolicyTuning.BySlope(rounds, [0.5, 1, 4], OffPolicyEstimator.Ipw));
        Assert.Equal(0.5, OffPolicyTuning.BySlope(rounds[..4], [0.5, 1, 4], OffPolicyEstimator.Ipw));
    }

    private static LoggedRound[] Draw(double[] policy, double noise, double[] model, int count = 3_000)
    {
        var random = new Random(1);
        return
        [
            .. Enumerable.Range(0, count).Select(round =>
            {
                var u = random.NextDouble();
                var item = u < Logging[0] ? 0 : u < Logging[0] + Logging[1] ? 1 : 2;
                var reward = Rewards[item] + (noise * (random.NextDouble() - 0.5));
                return new LoggedRound(round / 3, reward, Logging[item], policy[item], model[item], policy.Zip(model, (p, q) => p * q).Sum());
            }),
        ];
    }

    private static bool Near((double Low, double High) a, (double Low, double High) b) => Math.Abs(a.Low - b.Low) < 1e-9 && Math.Abs(a.High - b.High) < 1e-9;
}
