using RecoServe.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// Cross-entropy of the softmax over the target and the drawn items, whose scores are lowered by the logarithm of how often
/// they are expected to be drawn ("logQ", Bengio and Senécal 2008): then the sum over them is an unbiased estimate of the sum
/// over all other items, and the gradient approaches the full softmax's as more are drawn. It is the full softmax's when all are.
/// </summary>
/// <param name="items">E [N + 1, d], a leaf with <c>grad</c> set.</param>
/// <param name="bias">b [N + 1], with <c>grad</c> set.</param>
/// <param name="sampler">Draws anew for each chunk; disposed here.</param>
/// <param name="chunk">Positions at a time.</param>
/// <param name="logQ">Share of the correction that is made: 1 is right, 0 is none.</param>
internal sealed class SampledSoftmax(Tensor items, Tensor bias, NegativeSampler sampler, int chunk, double logQ)
    : SampledLoss(items, bias, sampler, chunk)
{
    /// <inheritdoc/>
    protected override (Tensor Loss, Tensor OwnDerivative) Differentiate(Tensor scores, Tensor own, Tensor logExpected)
    {
        using var share = logQ.ToScalar();
        scores.sub_(logExpected.mul(share));
        var top = maximum(scores.amax([1], keepdim: true), own);
        scores.sub_(top).exp_();
        var other = scores.sum(1, keepdim: true);
        var target = own.sub(top);
        var sum = target.exp().Increase(other);
        scores.div_(sum);
        return (sum.log().sub_(target), other.div_(sum).neg_());
    }
}
