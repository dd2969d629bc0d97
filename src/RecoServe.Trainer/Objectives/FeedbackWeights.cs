using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// What each row of feedback weighs in the loss −w ln π: its importance, capped and normalised, times its reward less the
/// baseline. The policy's own probability counts as a number: nothing is differentiated through a weight.
/// </summary>
/// <remarks>Chen et al., WSDM 2019, has the correction and the top-K factor; see docs/training.md for where each kind leads.</remarks>
internal sealed class FeedbackWeights(ObjectiveOptions options)
{
    /// <summary>Whether weights depend on the policy's own probabilities.</summary>
    public bool NeedsPolicy => options.Kind is ObjectiveKind.Reinforce or ObjectiveKind.TopK;

    /// <summary>Weighs the rows of a batch.</summary>
    /// <param name="rewards">R [rows].</param>
    /// <param name="logPropensities">ln β [rows]; not read for <see cref="ObjectiveKind.Clicks"/>.</param>
    /// <param name="logProbabilities">ln π [rows]; not read unless <see cref="NeedsPolicy"/>.</param>
    /// <returns>w [rows], and sums over the capped importances of all rows before they are normalised.</returns>
    public (Tensor Weights, WeightSums Sums) Of(Tensor rewards, Tensor? logPropensities, Tensor? logProbabilities)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        using var baseline = options.Baseline.ToScalar();
        var gain = rewards.sub(baseline);
        if (options.Kind == ObjectiveKind.Clicks)
            return (gain.MoveToOuterDisposeScope(), WeightSums.None);

        var importance = NeedsPolicy ? (logProbabilities! - logPropensities!).exp() : logPropensities!.neg().exp();
        if (options.WeightCap > 0)
        {
            using var cap = options.WeightCap.ToScalar();
            importance.clamp_max_(cap);
        }

        var sums = SumsOf(importance, rewards);
        if (options.SelfNormalise)
            importance.div_(importance.mean());
        if (options.Kind == ObjectiveKind.TopK)
            importance.mul_(TopKFactor(logProbabilities!));
        return ((importance * gain).MoveToOuterDisposeScope(), sums);
    }

    /// <summary>∂(1 − (1 − π)^K)/∂π = K (1 − π)^(K − 1).</summary>
    private Tensor TopKFactor(Tensor logProbabilities)
    {
        using var size = ((double)options.SlateSize).ToScalar();
        using var power = (options.SlateSize - 1d).ToScalar();
        return logProbabilities.expm1().neg().pow(power).mul(size);
    }

    private static WeightSums SumsOf(Tensor weights, Tensor rewards)
    {
        var exact = weights.to(float64);
        double Sum(Tensor terms) => terms.sum().to(float64).item<double>();
        return new WeightSums(exact.shape[0], Sum(exact), Sum(exact.mul(exact)), exact.max().to(float64).item<double>(), Sum(exact.mul(rewards)));
    }
}
