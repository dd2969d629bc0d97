using RecoServe.Trainer.Models;
using RecoServe.Trainer.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// The logging policy, learned beside the policy (Chen et al., WSDM 2019, section 4.2): a second softmax over all items on the
/// policy's state before the display, trained on everything that was shown. Its gradient ends at the state, and its item
/// vectors are its own and short, for through tied ones it would reach the policy after all.
/// </summary>
internal sealed class PropensityHead : nn.Module, IPropensity
{
    private readonly Linear _projection;
    private readonly Embedding _slots;
    private readonly Parameter _items;
    private readonly Parameter _bias;
    private readonly FullSoftmax _softmax;

    /// <summary>A head with random weights, a function of torch's generator, that begins as what was shown to everyone.</summary>
    /// <param name="dimension">Width d of the states.</param>
    /// <param name="rank">Width of its item vectors.</param>
    /// <param name="slots">Highest slot of a slate; 0 if slots are not known.</param>
    /// <param name="counts">How often each item was shown, N + 1 numbers; the first is not read.</param>
    public PropensityHead(int dimension, int rank, int slots, ReadOnlySpan<long> counts)
        : base(nameof(PropensityHead))
    {
        var itemCount = counts.Length - 1;
        _projection = nn.Linear(dimension, rank);
        _slots = nn.Embedding(slots + 1, rank, padding_idx: 0);
        using (no_grad())
        {
            _slots.weight!.zero_();
            _items = nn.Parameter(randn(itemCount + 1, rank).mul_(tensor(0.05f)));
            _bias = nn.Parameter(tensor(LogShares.Of(counts)));
        }

        register_module("projection", _projection);
        register_module("slots", _slots);
        register_parameter("items", _items);
        register_parameter("bias", _bias);
        _items.grad = zeros_like(_items);
        _bias.grad = zeros_like(_bias);
        _softmax = new FullSoftmax(_items, _bias, FullSoftmax.ChunkFor(itemCount));
    }

    /// <summary>Adds a share of the gradient of the mean −ln β̂ of a batch to the head's own weights, and to nothing else.</summary>
    /// <returns>The mean −ln β̂, nats.</returns>
    public double Accumulate(Batch batch, Tensor states, double share = 1)
    {
        using var scope = NewDisposeScope();
        using var factor = share.ToScalar();
        var weights = share < 1 ? full(states.shape[0], factor) : null;
        return _softmax.Backward(Read(states.detach(), batch.Slots()), batch.Targets(), weights) / share;
    }

    /// <inheritdoc/>
    public Tensor LogOf(Batch batch, Tensor states)
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        return _softmax.LogProbabilities(Read(states.detach(), batch.Slots()), batch.Targets()).MoveToOuterDisposeScope();
    }

    /// <summary>The head's state: what it takes of the policy's, plus what the slot says.</summary>
    /// <param name="states">[rows, d]; a gradient would flow to them.</param>
    /// <param name="slots">int64 [rows], 0 = unknown.</param>
    internal Tensor Read(Tensor states, Tensor slots) => _projection.call(states).Plus(_slots.call(slots));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _softmax.Dispose();
            _projection.Dispose();
            _slots.Dispose();
            _items.Dispose();
            _bias.Dispose();
        }

        base.Dispose(disposing);
    }
}
