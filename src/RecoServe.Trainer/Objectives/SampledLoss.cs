using RecoServe.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// A loss that sets each target against some drawn items, shared by a chunk of positions: O(drawn · d) a position instead of
/// O(N · d). A drawn item that is a position's target does not stand against it. Only the rows of E and b that are drawn or
/// are targets get a gradient.
/// </summary>
/// <param name="items">E [N + 1, d], a leaf with <c>grad</c> set.</param>
/// <param name="bias">b [N + 1], with <c>grad</c> set.</param>
/// <param name="sampler">Draws anew for each chunk; disposed here.</param>
/// <param name="chunk">Positions at a time.</param>
internal abstract class SampledLoss(Tensor items, Tensor bias, NegativeSampler sampler, int chunk) : IItemLoss
{
    private readonly Tensor _buffer = empty(chunk, sampler.Count, items.dtype);
    private readonly Scalar _one = 1.ToScalar();

    /// <inheritdoc/>
    public double Accumulate(Tensor states, Tensor targets, Tensor? weights, Tensor gradient, WatchedItems? watched = null)
    {
        using var guard = no_grad();
        var positions = states.shape[0];
        using var divisor = positions.ToScalar();
        var loss = 0d;
        for (long start = 0; start < positions; start += chunk)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(chunk, positions - start);
            var scale = (weights is null ? ones(count, items.dtype) : weights.narrow(0, start, count)).div(divisor).unsqueeze(1);
            loss += AccumulateChunk(states.narrow(0, start, count), targets.narrow(0, start, count), scale, gradient.narrow(0, start, count));
        }

        return loss;
    }

    public void Dispose()
    {
        _buffer.Dispose();
        _one.Dispose();
        sampler.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Turns the scores of drawn items into the derivatives of a position's loss by them, in place.</summary>
    /// <param name="scores">[rows, drawn]; −∞ where the drawn item is the target.</param>
    /// <param name="own">[rows, 1]: the targets' scores.</param>
    /// <param name="logExpected">[drawn]: see <see cref="NegativeSampler.Draw"/>.</param>
    /// <returns>The loss, and its derivative by the target's score: both [rows, 1].</returns>
    protected abstract (Tensor Loss, Tensor OwnDerivative) Differentiate(Tensor scores, Tensor own, Tensor logExpected);

    private double AccumulateChunk(Tensor states, Tensor targets, Tensor scale, Tensor gradient)
    {
        var (drawn, logExpected) = sampler.Draw();
        var (others, own) = (items.index_select(0, drawn), items.index_select(0, targets));
        var x = _buffer.narrow(0, 0, states.shape[0]);
        x.copy_(bias.index_select(0, drawn)).addmm_(states, others.t());
        using var never = double.NegativeInfinity.ToScalar();
        x.masked_fill_(targets.unsqueeze(1).eq(drawn), never);
        var score = (states * own).sum(1, keepdim: true).Increase(bias.index_select(0, targets).unsqueeze(1));
        var (loss, ownDerivative) = Differentiate(x, score, logExpected.to(items.dtype));

        x.mul_(scale);
        ownDerivative.mul_(scale);
        gradient.Increase(mm(x, others)).addcmul_(own, ownDerivative, _one);
        RowGradient.Add(items.grad!, drawn, mm(x.t(), states));
        RowGradient.Add(items.grad!, targets, states * ownDerivative);
        RowGradient.Add(bias.grad!, drawn, x.sum([0L]));
        RowGradient.Add(bias.grad!, targets, ownDerivative.squeeze(1));
        return loss.mul_(scale).sum().to(float64).item<double>();
    }
}
