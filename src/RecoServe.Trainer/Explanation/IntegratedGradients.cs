using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Explanation;

/// <summary>
/// What each watch and each context value of a question adds to one item's score: integrated gradients (Sundararajan, Taly and Yan, ICML 2017, section 3).
/// The score F is the logarithm of the item's probability among all items that the history does not hold, in nats. The path leads straight from zero vectors of
/// all watches and context values, of which nothing is known but their number, to those of the question; what a watch adds is the integral of its vector times
/// ∂F/∂vector along it.
/// </summary>
/// <param name="Watches">Of each watch that the network reads, the oldest first.</param>
/// <param name="Context">Of each context field; 0 where its value is unknown.</param>
/// <param name="Score">F of the question.</param>
/// <param name="Baseline">F at the path's start.</param>
internal sealed record IntegratedGradients(double[] Watches, double[] Context, double Score, double Baseline)
{
    private const long MaxCells = 4 << 20;

    /// <summary>|sum of what watches and context add − (score − baseline)| ÷ |score − baseline|: 0 for an exact integral, which has this sum.</summary>
    public double CompletenessError => Math.Abs((Watches.Sum() + Context.Sum() - (Score - Baseline)) / (Score - Baseline));

    /// <summary>Explains one item's score.</summary>
    /// <param name="network">The network; it is left without dropout.</param>
    /// <param name="maxHistory">Newest watches that it reads.</param>
    /// <param name="question">The history and context.</param>
    /// <param name="item">The item, 1…N; the history may hold it.</param>
    /// <param name="steps">Points of the path at which gradients are taken, 1 or more.</param>
    public static IntegratedGradients Of(NextWatchNetwork network, int maxHistory, Question question, int item, int steps)
    {
        network.eval();
        using var scope = NewDisposeScope();
        var (watches, values) = Ends(network, maxHistory, question);
        var fused = values.sum(dim: 0);
        var (toWatches, toFused) = (zeros_like(watches), zeros_like(fused));
        var rows = (int)Math.Clamp(MaxCells / Math.Max(network.Shape.ItemCount + 1L, watches.numel()), 1, steps);
        foreach (var places in Quadrature(steps).Chunk(rows))
        {
            using var part = NewDisposeScope();
            var at = tensor(places.Select(p => (float)p.At).ToArray(), places.Length, 1);
            var weights = tensor(places.Select(p => (float)p.Weight).ToArray());
            Tensor[] path = [.. new[] { at.unsqueeze(2) * watches, at * fused }.Select(x => x.requires_grad_())];
            var gradients = autograd.grad([LogProbability(network, question, item, path)], values.shape[0] == 0 ? path[..1] : path, [weights]);
            toWatches.Increase(gradients[0].sum(dim: 0));
            if (gradients.Count > 1)
                toFused.Increase(gradients[1].sum(dim: 0));
        }

        using var guard = no_grad();
        using var ends = LogProbability(network, question, item, [stack([zeros_like(watches), watches]), stack([zeros_like(fused), fused])]);
        return new IntegratedGradients(Numbers((watches * toWatches).sum(dim: 1))[1..], Numbers((values * toFused).sum(dim: 1)), ends[1].item<float>(), ends[0].item<float>());
    }

    /// <summary>The path's end: the vectors [1 + watches, d] that the encoder reads, the start marker's being 0, and those of the context values [fields, d].</summary>
    private static (Tensor Watches, Tensor Values) Ends(NextWatchNetwork network, int maxHistory, Question question)
    {
        using var guard = no_grad();
        var (shape, fields) = (network.Shape, network.Shape.ContextSizes.Count);
        var batch = new HistoryBatch([question], maxHistory, fields, shape.TimeGaps, shape.HistoryContext);
        var contexts = shape.HistoryContext ? tensor(batch.HistoryContext, 1, batch.Length, fields) : null;
        var watches = network.Embed(tensor(batch.Items, 1, batch.Length), tensor(batch.Gaps, 1, batch.Length), contexts)[0];
        return (watches, fields == 0 ? zeros(0, shape.Dimension) : stack(batch.Context.Select((code, f) => network.ContextMatrix(f)[code])));
    }

    /// <summary>F of every row of vectors [rows, 1 + watches, d] and sums of context vectors [rows, d].</summary>
    private static Tensor LogProbability(NextWatchNetwork network, Question question, int item, Tensor[] vectors)
    {
        using var scope = NewDisposeScope();
        using var never = float.NegativeInfinity.ToScalar();
        var states = network.Encode(vectors[0]).select(1, vectors[0].shape[1] - 1);
        var logits = network.Score(network.Shape.ContextSizes.Count == 0 ? states : network.FuseWith(states, vectors[1]));
        long[] watched = [.. question.History.ToArray().Where(i => i != item).Select(i => (long)i)];
        if (watched.Length > 0)
            logits = logits.index_fill(1, tensor(watched), never);
        return (logits.select(1, item) - logits.logsumexp(1)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Places and weights of the integral over 0 … 1 by the rule of Gauss and Legendre, which of so many points is exact for the highest degree of polynomials: its
    /// places are the roots of the Legendre polynomial of that degree, found by Newton's method (Press et al., Numerical Recipes, section 4.6). Places are raised to a power,
    /// with weights to match, and so lie close at the start: a Transformer without positions normalises vectors that are next to nothing, and changes most there.
    /// </summary>
    private static IEnumerable<(double At, double Weight)> Quadrature(int points)
    {
        const int Power = 3;
        for (var i = 0; i < points; i++)
        {
            var (x, change, slope) = (Math.Cos(Math.PI * (i + 0.75) / (points + 0.5)), 1d, 0d);
            while (Math.Abs(change) > 1e-14)
            {
                var (before, value) = (0d, 1d);
                for (var n = 1; n <= points; n++)
                    (before, value) = (value, ((((2 * n) - 1) * x * value) - ((n - 1) * before)) / n);
                slope = points * ((x * value) - before) / ((x * x) - 1);
                x -= change = value / slope;
            }

            var root = (1 - x) / 2;
            yield return (Math.Pow(root, Power), Power * Math.Pow(root, Power - 1) / ((1 - (x * x)) * slope * slope));
        }
    }

    private static double[] Numbers(Tensor tensor) => [.. tensor.data<float>().Select(x => (double)x)];
}
