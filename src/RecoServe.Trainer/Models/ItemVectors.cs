using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// The vectors of items where a history is read and where items are scored: the same ones (tied, Press and Wolf 2017), or two
/// sets. With features, an item's input vector is its own plus, for each feature, the mean of its values' vectors, so that
/// items with equal values are alike before they were ever watched (the idea of Meta-Prod2Vec, Vasile et al. 2016).
/// </summary>
/// <remarks>
/// Losses and encoders see matrices that are leaves with a gradient, however they came about: composed ones are computed by
/// <see cref="Compose"/> after every change of the weights, and <see cref="SpreadGradient"/> passes their gradient on. Not a
/// module itself, for a module takes every matrix in its fields for a weight.
/// </remarks>
internal sealed class ItemVectors : IDisposable
{
    private readonly Embedding _own;
    private readonly Embedding _lookup;
    private readonly Embedding? _output;
    private readonly EmbeddingBag[] _features;
    private readonly (Tensor Codes, Tensor Starts)[] _values;

    /// <param name="shape">Sizes, features, and whether the output has vectors of its own.</param>
    public ItemVectors(NetworkShape shape)
    {
        _own = NewTable(shape);
        _output = shape.Output == OutputVectors.Separate ? NewTable(shape) : null;
        _features = [.. shape.ItemFeatures.Select(f => nn.EmbeddingBag(f.Values, shape.Dimension, mode: EmbeddingBagMode.Mean))];
        _values = [.. shape.ItemFeatures.Select(f => ((Tensor)tensor(f.Codes, int64), (Tensor)tensor(f.Starts[..^1], int64)))];
        _lookup = _features.Length == 0 ? _own : NewTable(shape);
        if (_features.Length == 0)
            return;
        using var guard = no_grad();
        Input.grad = zeros_like(Input);
        foreach (var feature in _features)
            feature.weight!.zero_();
        Compose();
    }

    /// <summary>The weights, as modules with the names that they have in a checkpoint.</summary>
    public IEnumerable<(string Name, nn.Module Module)> Modules =>
    [
        ("items", _own),
        .. _output is null ? [] : new (string, nn.Module)[] { ("output_items", _output) },
        .. _features.Select((feature, f) => ($"item_feature_{f}", (nn.Module)feature)),
    ];

    /// <summary>Input vectors [N + 1, d]; row 0, the start marker, is zero and stays so.</summary>
    public Parameter Input => _lookup.weight!;

    /// <summary>Output vectors [N + 1, d], a leaf with a gradient; the same object as <see cref="Input"/> if tied.</summary>
    public Parameter Output => _output?.weight ?? Input;

    /// <summary>Looks items up.</summary>
    /// <param name="items">int64 [batch, length].</param>
    /// <returns>float32 [batch, length, d].</returns>
    public Tensor Lookup(Tensor items) => _lookup.call(items);

    /// <summary>Computes composed vectors from the weights as they are now.</summary>
    public void Compose()
    {
        if (_features.Length == 0)
            return;
        using var guard = no_grad();
        using var composed = Sum();
        Input.copy_(composed);
    }

    /// <summary>Adds the gradient of composed vectors to the weights they are made of, and zeroes it.</summary>
    public void SpreadGradient()
    {
        if (_features.Length == 0)
            return;
        using var composed = Sum();
        composed.backward([Input.grad!]);
        Input.grad!.zero_();
    }

    public void Dispose()
    {
        _own.Dispose();
        _lookup.Dispose();
        _output?.Dispose();
        foreach (var feature in _features)
            feature.Dispose();
        foreach (var (codes, starts) in _values)
        {
            codes.Dispose();
            starts.Dispose();
        }
    }

    private static Embedding NewTable(NetworkShape shape)
    {
        var table = nn.Embedding(shape.ItemCount + 1, shape.Dimension, padding_idx: 0, sparse: shape.SparseGradients);
        using var guard = no_grad();
        table.weight!.normal_(0, shape.Deviation);
        using var marker = table.weight![0];
        marker.zero_();
        if (shape.SparseGradients)
            table.weight!.grad = RowGradient.Sparse(table.weight!);
        return table;
    }

    /// <summary>Own vectors plus the mean of the values' vectors of each feature; an item without values has none of it.</summary>
    private Tensor Sum()
    {
        using var scope = NewDisposeScope();
        var sum = _own.weight!.alias();
        for (var f = 0; f < _features.Length; f++)
            sum = sum.Plus(_features[f].call(_values[f].Codes, _values[f].Starts));
        return sum.MoveToOuterDisposeScope();
    }
}
