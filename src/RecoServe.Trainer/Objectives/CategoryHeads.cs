using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// Side tasks that draw items of one category together, after the idea of Meta-Prod2Vec (Vasile et al., RecSys 2016): tell the
/// category of the next item from the state, and an item's own category from its vector, which where embeddings are tied
/// shapes input and output alike. Softmax cross-entropy; where items have several categories, binary cross-entropy for each.
/// Items without one say nothing.
/// </summary>
internal sealed class CategoryHeads : nn.Module
{
    private readonly Linear _ofState;
    private readonly Linear _ofItem;
    private readonly ItemCodes _codes;
    private readonly Parameter _items;
    private readonly bool _hasSeveral;
    private readonly double _stateWeight;
    private readonly double _itemWeight;

    /// <param name="items">E [N + 1, d], with <c>grad</c> set.</param>
    /// <param name="codes">The categories of all items.</param>
    /// <param name="stateWeight">Weight of telling the next item's category from the state.</param>
    /// <param name="itemWeight">Weight of telling an item's category from its vector.</param>
    public CategoryHeads(Parameter items, ItemCodes codes, double stateWeight, double itemWeight)
        : base(nameof(CategoryHeads))
    {
        var (count, width) = ((int)items.shape[0], items.shape[1]);
        (_items, _codes, _stateWeight, _itemWeight) = (items, codes, stateWeight, itemWeight);
        _hasSeveral = Enumerable.Range(1, count - 1).Any(i => codes.Of(i).Length > 1);
        (_ofState, _ofItem) = (nn.Linear(width, codes.ValueCount), nn.Linear(width, codes.ValueCount));
        register_module("of_state", _ofState);
        register_module("of_item", _ofItem);
    }

    /// <summary>Adds the weighted gradients of both tasks to the heads, the states' gradient and E's.</summary>
    /// <param name="states">[rows, d], without a graph.</param>
    /// <param name="targets">int64 [rows]: the items that followed.</param>
    /// <param name="gradient">[rows, d]: the states' gradient.</param>
    /// <param name="share">Factor of all gradients.</param>
    /// <returns>The sum of the two mean losses before their weights, nats; of a task with weight 0 nothing.</returns>
    public double Accumulate(Tensor states, Tensor targets, Tensor gradient, double share = 1)
    {
        using var scope = NewDisposeScope();
        var loss = 0.0;
        if (_stateWeight > 0)
        {
            var (value, own) = Differentiate(_ofState, states, targets, _stateWeight * share);
            gradient.Increase(own);
            loss += value;
        }

        if (_itemWeight > 0)
        {
            var (value, own) = Differentiate(_ofItem, _items.detach().index_select(0, targets), targets, _itemWeight * share);
            RowGradient.Add(_items.grad!, targets, own);
            loss += value;
        }

        return loss;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ofState.Dispose();
            _ofItem.Dispose();
        }

        base.Dispose(disposing);
    }

    private (double Loss, Tensor Gradient) Differentiate(Linear head, Tensor vectors, Tensor targets, double weight)
    {
        using var factor = weight.ToScalar();
        var input = vectors.detach().requires_grad_(true);
        var (members, known) = Memberships(targets);
        var logits = head.call(input);
        var losses = _hasSeveral
            ? nn.functional.binary_cross_entropy_with_logits(logits, members, reduction: nn.Reduction.None).sum([1L])
            : (logits.log_softmax(1) * members).sum([1L]).neg();
        var loss = (losses * known).mean();
        loss.mul(factor).backward();
        return (loss.detach().item<float>(), input.grad!);
    }

    /// <summary>
    /// For each target 1 where it has a value, [rows, values], and whether it has any, [rows]. Made anew for every batch: of all items it would be
    /// gigabytes.
    /// </summary>
    private (Tensor Members, Tensor Known) Memberships(Tensor targets)
    {
        using var scope = NewDisposeScope();
        var items = targets.cpu().data<long>().ToArray();
        List<long> cells = [];
        for (var row = 0; row < items.Length; row++)
        {
            foreach (var code in _codes.Of((int)items[row]))
                cells.Add(((long)row * _codes.ValueCount) + code); // rows times values can be more than an int holds
        }

        var members = zeros(items.Length, _codes.ValueCount);
        using var one = 1f.ToScalar();
        if (cells.Count > 0)
            members.view(-1).index_fill_(0, tensor(cells), one);
        var known = tensor(items.Select(item => _codes.Of((int)item).Length > 0 ? 1f : 0).ToArray());
        return (members.MoveToOuterDisposeScope(), known.MoveToOuterDisposeScope());
    }
}
