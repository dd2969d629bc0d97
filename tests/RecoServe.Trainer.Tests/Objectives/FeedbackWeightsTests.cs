using RecoServe.Trainer.Objectives;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class FeedbackWeightsTests
{
    private static readonly double[] Policy = [0.5, 0.25, 0.9, 0.05], Logged = [0.25, 0.5, 0.1, 0.05], Rewards = [1, 0, 2, 3];

    /// <summary>w = min(π/β, c), over its mean if normalised, times K (1 − π)^(K − 1) and R − λ; of IPS 1/β stands for π/β.</summary>
    [Theory]
    [InlineData(ObjectiveKind.Ips, 0, false, 0)]
    [InlineData(ObjectiveKind.Ips, 6, true, 0.5)]
    [InlineData(ObjectiveKind.Reinforce, 0, false, 0.5)]
    [InlineData(ObjectiveKind.Reinforce, 3, false, 0)]
    [InlineData(ObjectiveKind.Reinforce, 3, true, 0.5)]
    [InlineData(ObjectiveKind.TopK, 0, false, 0)]
    [InlineData(ObjectiveKind.TopK, 0, true, 0.5, 16)]
    [InlineData(ObjectiveKind.TopK, 3, true, 0.5)]
    [InlineData(ObjectiveKind.TopK, 3, false, 0.5, 1)]
    public void Weights_AreTheClosedForm(object kind, double cap, bool normalised, double baseline, int slateSize = 4)
    {
        using var scope = NewDisposeScope();
        var options = new ObjectiveOptions { Kind = (ObjectiveKind)kind, WeightCap = cap, SelfNormalise = normalised, Baseline = baseline, SlateSize = slateSize };
        var (weights, sums) = new FeedbackWeights(options).Of(tensor(Rewards), tensor(Logged).log(), tensor(Policy).log());

        double[] importances = [.. Policy.Zip(Logged, (p, b) => Math.Min((options.Kind == ObjectiveKind.Ips ? 1 : p) / b, cap == 0 ? double.MaxValue : cap))];
        var divisor = normalised ? importances.Average() : 1;
        double Factor(double p) => options.Kind == ObjectiveKind.TopK ? slateSize * Math.Pow(1 - p, slateSize - 1) : 1;
        Assert.Equal(
            importances.Select((w, row) => w / divisor * Factor(Policy[row]) * (Rewards[row] - baseline)), weights.data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(importances.Max(), sums.Max, 1e-12);
        Assert.Equal(importances.Average(), sums.Mean, 1e-12);
    }

    /// <summary>π/β is .5, 2 and 1; the estimate of the policy's reward is Σ (π/β) R / Σ π/β, whatever the baseline.</summary>
    [Fact]
    public void Sums_AreOfTheImportances_AndEstimateThePolicysReward()
    {
        using var scope = NewDisposeScope();
        var (_, sums) = new FeedbackWeights(new ObjectiveOptions { Kind = ObjectiveKind.Reinforce, Baseline = 0.5 }).Of(
            tensor(new[] { 1.0, 0, 2 }), tensor(new[] { 0.5, 0.25, 0.25 }).log(), tensor(new[] { 0.25, 0.5, 0.25 }).log());
        Assert.Equal(3.5 / 3, sums.Mean, 1e-12);
        Assert.Equal(2.5 / 3.5, sums.EstimatedReward, 1e-12);
        Assert.Equal(3.5 * 3.5 / (3 * 5.25), sums.EffectiveShare, 1e-12);
        Assert.Equal(2, sums.Max, 1e-12);
        Assert.Equal(3, sums.Plus(new WeightSums(1, 3, 9, 3)).Max, 1e-12);
        Assert.Equal(2, sums.Plus(WeightSums.None).Max, 1e-12);
        Assert.Equal(2.5 / 3.5, sums.Plus(sums).EstimatedReward, 1e-12);
        Assert.Equal(0, WeightSums.None.EstimatedReward);
    }
}
