using RecoServe.Trainer.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>Random states, targets, items and biases in double precision, and what autograd says of them.</summary>
internal sealed class LossProblem
{
    public LossProblem(int positions, int items, int dimension)
    {
        manual_seed(positions);
        using var never = float.NegativeInfinity.ToScalar();
        var bias = randn(items + 1, float64);
        bias[0].fill_(never);
        (Items, Bias) = (Leaf(randn(items + 1, dimension, float64)), Leaf(bias));
        States = randn(positions, dimension, float64);
        Targets = randint(1, items + 1, [positions], int64);
        Weights = randn(positions, float64);
    }

    public Tensor Items { get; }

    public Tensor Bias { get; }

    public Tensor States { get; }

    public Tensor Targets { get; }

    /// <summary>Some of them negative.</summary>
    public Tensor Weights { get; }

    /// <summary>What a loss with this sampler will draw next for each position, [positions, drawn], and whether that is its target.</summary>
    public (Tensor Items, Tensor AreTargets) Draw(NegativeSampler sampler, int chunk)
    {
        const long Seed = 7;
        manual_seed(Seed);
        var drawn = cat([.. Targets.split(chunk).Select(part => sampler.Draw().Items.expand(part.shape[0], sampler.Count))]);
        manual_seed(Seed);
        return (drawn, drawn.eq(Targets.unsqueeze(1)));
    }

    public static Tensor Leaf(Tensor values)
    {
        var leaf = values.detach().clone().requires_grad_(true);
        leaf.grad = zeros_like(values);
        return leaf;
    }

    /// <summary>Compares a loss and its three gradients with autograd's of the same formula.</summary>
    /// <param name="loss">Made from this problem's items and biases.</param>
    /// <param name="formula">Losses [positions] of states, items and biases.</param>
    /// <param name="tolerance">Largest difference.</param>
    /// <param name="watched">Given to the loss.</param>
    public void AssertIs(IItemLoss loss, Func<Tensor, Tensor, Tensor, Tensor> formula, double tolerance = 1e-12, WatchedItems? watched = null)
    {
        foreach (var weights in new[] { Weights, null })
        {
            var (states, items, bias) = (Leaf(States), Leaf(Items), Leaf(Bias));
            var losses = formula(states, items, bias);
            var expected = (weights is null ? losses : losses * weights).mean();
            expected.backward();
            var gradient = zeros_like(States);
            Items.grad!.zero_();
            Bias.grad!.zero_();
            Assert.Equal(expected.item<double>(), loss.Accumulate(States, Targets, weights, gradient, watched), tolerance);
            Close(states.grad!, gradient, tolerance);
            Close(items.grad!, Items.grad!, tolerance);
            Close(bias.grad!, Bias.grad!, tolerance);
        }
    }

    public static void Close(Tensor expected, Tensor actual, double tolerance) =>
        Assert.InRange((expected - actual).abs().max().to(float64).item<double>(), 0, tolerance);
}
