using RecoServe.Trainer.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>
/// A softmax policy of full capacity: a logit for every state and item, trained by the product's own losses and weights. A
/// state is one-hot, so that the item matrix is the table of logits.
/// </summary>
internal sealed class TabularPolicy : IDisposable
{
    private readonly int _items;
    private readonly Tensor _logits;
    private readonly Tensor _bias;
    private readonly FullSoftmax _softmax;

    public TabularPolicy(int states, int items)
    {
        (_items, StateCount) = (items, states);
        set_num_threads(1);
        var bias = new double[items + 1];
        bias[0] = double.NegativeInfinity;
        (_logits, _bias) = (LossProblem.Leaf(zeros(items + 1, states, float64)), LossProblem.Leaf(tensor(bias)));
        _softmax = new FullSoftmax(_logits, _bias, 1024);
    }

    public int StateCount { get; }

    /// <summary>
    /// Full-batch gradient descent on the expectation Σ mass · weight · −ln π over rows of state, item and reward, where the
    /// weight is the objective's.
    /// </summary>
    public void Train(ObjectiveOptions options, IReadOnlyList<LoggedRow> rows, int steps, double rate)
    {
        using var scope = NewDisposeScope();
        var weights = new FeedbackWeights(options);
        var states = tensor(rows.Select(r => (long)r.State).ToArray());
        var oneHot = nn.functional.one_hot(states, StateCount).to(float64);
        var targets = tensor(rows.Select(r => (long)r.Item).ToArray());
        var rewards = tensor(rows.Select(r => r.Reward).ToArray());
        var masses = tensor(rows.Select(r => r.Mass * rows.Count).ToArray());
        var logPropensities = tensor(rows.Select(r => Math.Log(r.Propensity)).ToArray());
        using var step = (-rate).ToScalar();
        for (var n = 0; n < steps; n++)
        {
            using var inner = NewDisposeScope();
            var policy = weights.NeedsPolicy ? _softmax.LogProbabilities(oneHot, targets) : null;
            var (w, _) = weights.Of(rewards, logPropensities, policy);
            _softmax.Accumulate(oneHot, targets, w * masses, zeros_like(oneHot));
            using var guard = no_grad();
            _logits.add_(_logits.grad!, alpha: step);
            _logits.grad!.zero_();
            _bias.grad!.zero_();
        }
    }

    /// <summary>π of a state: N numbers, item 1 first.</summary>
    public double[] Probabilities(int state)
    {
        using var scope = NewDisposeScope();
        return _logits.detach().select(1, state).narrow(0, 1, _items).softmax(0).data<double>().ToArray();
    }

    public void Dispose()
    {
        _softmax.Dispose();
        _logits.Dispose();
        _bias.Dispose();
    }
}

/// <summary>What was logged of an item in a state.</summary>
/// <param name="State">From 0.</param>
/// <param name="Item">From 1.</param>
/// <param name="Mass">How often this happened: its share of the log.</param>
/// <param name="Propensity">β(item | state).</param>
/// <param name="Reward">The mean reward.</param>
internal readonly record struct LoggedRow(int State, int Item, double Mass, double Propensity, double Reward);
