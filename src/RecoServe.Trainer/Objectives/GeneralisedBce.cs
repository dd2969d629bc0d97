using RecoServe.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// gBCE (Petrov and Macdonald, RecSys 2023): binary cross-entropy of the target against k drawn items, in which the target's
/// probability is raised to the power β, so that drawing few negatives does not make every score too sure:
/// −(β ln σ(s⁺) + Σ ln(1 − σ(s⁻))) / (k + 1), with α = k / (N − 1) and β = α (t (1 − 1/α) + 1/α).
/// </summary>
/// <param name="items">E [N + 1, d], a leaf with <c>grad</c> set.</param>
/// <param name="bias">b [N + 1], with <c>grad</c> set.</param>
/// <param name="sampler">Draws anew for each chunk; disposed here. All items alike in the paper.</param>
/// <param name="chunk">Positions at a time.</param>
/// <param name="calibration">t: 0 is plain binary cross-entropy, 1 undoes the whole effect of drawing.</param>
internal sealed class GeneralisedBce(Tensor items, Tensor bias, NegativeSampler sampler, int chunk, double calibration)
    : SampledLoss(items, bias, sampler, chunk)
{
    private readonly double _power = PowerFor(sampler.Count, items.shape[0] - 1, calibration);
    private readonly int _drawn = sampler.Count;

    /// <summary>β for k of N items.</summary>
    public static double PowerFor(int drawn, long itemCount, double calibration)
    {
        var rate = Math.Min(1, drawn / Math.Max(itemCount - 1d, 1));
        return rate * ((calibration * (1 - (1 / rate))) + (1 / rate));
    }

    /// <inheritdoc/>
    protected override (Tensor Loss, Tensor OwnDerivative) Differentiate(Tensor scores, Tensor own, Tensor logExpected)
    {
        using var power = (_power / (_drawn + 1)).ToScalar();
        using var share = (1d / (_drawn + 1)).ToScalar();
        var others = nn.functional.logsigmoid(scores.neg()).sum(1, keepdim: true).mul_(share);
        var target = nn.functional.logsigmoid(own).mul_(power);
        scores.sigmoid_().mul_(share);
        return (others.Increase(target).neg_(), own.neg().sigmoid_().mul_(power).neg_());
    }
}
