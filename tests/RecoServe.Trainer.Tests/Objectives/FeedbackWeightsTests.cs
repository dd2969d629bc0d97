using RecoServe.Trainer.Objectives;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class FeedbackWeightsTests
{
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
        Assert.Equal(2.5 / 3.5, sums.Plus(sums).EstimatedReward, 1e-12);
        Assert.Equal(0, WeightSums.None.EstimatedReward);
    }
}
