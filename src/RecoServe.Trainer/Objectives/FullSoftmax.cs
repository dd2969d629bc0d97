using RecoServe.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// Cross-entropy of the softmax over all items, with its gradient, in memory O(chunk · N) instead of O(positions · N):
/// logits, probabilities and their gradient are one reused buffer of a few megabytes that stays in the cache, because fresh
/// memory costs more in page faults than the arithmetic on it.
/// </summary>
/// <param name="items">E [N + 1, d], a leaf with <c>grad</c> set.</param>
/// <param name="bias">b [N + 1], with <c>grad</c> set; entry 0 is −∞.</param>
/// <param name="chunk">Positions at a time.</param>
internal sealed class FullSoftmax(Tensor items, Tensor bias, int chunk) : IItemLoss
{
    private const long CacheBytes = 3 << 20;

    private readonly Tensor _buffer = empty(chunk, items.shape[0], items.dtype);

    /// <summary>Positions whose logits fit the cache, 64 … 1,024: measured best at 130 to 260 for 3,416 items.</summary>
    public static int ChunkFor(int itemCount) => (int)Math.Clamp(CacheBytes / (sizeof(float) * (itemCount + 1L)), 64, 1024);

    /// <summary>Adds the gradient of the mean loss to E, b and, by backpropagation, to everything that made the states.</summary>
    /// <param name="states">[positions, d], with a graph behind it.</param>
    /// <param name="targets">int64 [positions], 1…N.</param>
    /// <param name="weights">w [positions]; null for 1 everywhere.</param>
    /// <returns>The mean loss in nats.</returns>
    public double Backward(Tensor states, Tensor targets, Tensor? weights = null)
    {
        using var scope = NewDisposeScope();
        var gradient = zeros_like(states);
        var loss = Accumulate(states.detach(), targets, weights, gradient);
        states.backward([gradient]);
        return loss;
    }

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
            loss += Accumulate(
                states.narrow(0, start, count),
                targets.narrow(0, start, count).unsqueeze(1),
                weights?.narrow(0, start, count).unsqueeze(1),
                gradient.narrow(0, start, count),
                divisor,
                watched?.Of(start, count));
        }

        return loss / positions;
    }

    /// <summary>The logarithm of each target's probability, [positions].</summary>
    /// <param name="states">[positions, d]; no graph is made.</param>
    /// <param name="targets">int64 [positions], 1…N.</param>
    /// <param name="watched">What has no probability in any row, unless it is the target; null: nothing.</param>
    public Tensor LogProbabilities(Tensor states, Tensor targets, WatchedItems? watched = null)
    {
        using var guard = no_grad();
        var result = empty(states.shape[0], items.dtype);
        for (long start = 0; start < states.shape[0]; start += chunk)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(chunk, states.shape[0] - start);
            var (own, sum) = Exponentiate(states.narrow(0, start, count), targets.narrow(0, start, count).unsqueeze(1), watched?.Of(start, count));
            result.narrow(0, start, count).copy_((own - sum.log_()).squeeze(1));
        }

        return result;
    }

    public void Dispose() => _buffer.Dispose();

    private double Accumulate(Tensor states, Tensor targets, Tensor? weights, Tensor gradient, Scalar positions, Tensor? watched)
    {
        var (own, sum) = Exponentiate(states, targets, watched);
        var x = _buffer.narrow(0, 0, states.shape[0]);

        // ∂loss/∂logit = w (x / sum − [target]) / positions. The factors are a scale per row, so they are applied to the
        // [chunk, d] side of each product and never to the buffer.
        x.scatter_add_(1, targets, -sum);
        var scale = sum.reciprocal().div_(positions);
        var loss = sum.log() - own;
        if (weights is not null)
        {
            scale.mul_(weights);
            loss.mul_(weights);
        }

        gradient.Increase(mm(x, items).mul_(scale));
        items.grad!.addmm_(x.t(), states * scale);
        bias.grad!.addmv_(x.t(), scale.squeeze(1));
        return loss.sum().to(float64).item<double>();
    }

    /// <summary>Fills the buffer with exp(logit − row's maximum), and with 0 for watched items [rows, any] that are not the target.</summary>
    /// <returns>The target's logit − maximum, and the row's sum: both [rows, 1].</returns>
    private (Tensor Own, Tensor Sum) Exponentiate(Tensor states, Tensor targets, Tensor? watched)
    {
        var x = _buffer.narrow(0, 0, states.shape[0]);
        x.copy_(bias).addmm_(states, items.t());
        var own = x.gather(1, targets);
        if (watched is not null)
            x.scatter_(1, watched, bias[..1].expand_as(watched)).scatter_(1, targets, own);
        var highest = x.amax([1], keepdim: true);
        x.sub_(highest).exp_();
        return (own - highest, x.sum(1, keepdim: true));
    }
}
