using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// A next-watch network with tied embeddings: an encoder reads the start marker and the watches, its state is multiplied by
/// 1 + Σ w(context) of the request ("Latent Cross", Beutel et al. 2018, post-fusion) and its product with an item's
/// embedding plus that item's bias is the item's logit (Press and Wolf 2017).
/// </summary>
internal sealed class NextWatchNetwork : nn.Module
{
    /// <summary>Small item vectors keep the first softmax near the biases.</summary>
    private const double ItemDeviation = 0.05;

    private readonly Embedding _items;
    private readonly Embedding[] _context;
    private readonly Parameter _bias;

    static NextWatchNetwork() => LibTorch.EnsureLoaded();

    /// <summary>A network with random weights, a function of torch's generator: seed it before.</summary>
    /// <param name="shape">The network's kind and sizes.</param>
    /// <param name="dropout">Share of embedding and state cells zeroed in training, 0 ≤ p &lt; 1.</param>
    public NextWatchNetwork(NetworkShape shape, double dropout)
        : base(nameof(NextWatchNetwork))
    {
        Shape = shape;
        _items = nn.Embedding(shape.ItemCount + 1, shape.Dimension, padding_idx: 0);
        using (no_grad())
            ItemMatrix.normal_(0, ItemDeviation);
        Encoder = CreateEncoder(shape, dropout);
        _bias = nn.Parameter(zeros(shape.ItemCount + 1));

        // Last, so that the other weights are the same with and without context.
        _context = [.. shape.ContextSizes.Select(values => nn.Embedding(values + 1, shape.Dimension, padding_idx: 0))];
        register_module("items", _items);
        register_module("encoder", Encoder);
        register_parameter("item_bias", _bias);
        for (var f = 0; f < _context.Length; f++)
            register_module($"context_{f}", _context[f]);
        Initialise();
    }

    /// <summary>The network's kind and sizes.</summary>
    public NetworkShape Shape { get; }

    /// <summary>Item vectors [batch, length, d] → the state after every step, of the same shape.</summary>
    public nn.Module<Tensor, Tensor> Encoder { get; }

    /// <summary>E [N + 1, d]; row 0, the start marker, is zero and stays so.</summary>
    public Parameter ItemMatrix => _items.weight!;

    /// <summary>b [N + 1]; entry 0 is −∞: the marker is never recommended.</summary>
    public Parameter ItemBias => _bias;

    /// <summary>W_f [values + 1, d] of context field f; row 0, unknown, is zero and stays so.</summary>
    public Tensor ContextMatrix(int field) => _context[field].weight!;

    /// <summary>Starts the biases at the logarithm of each item's share of the training watches (one is added to every count).</summary>
    /// <param name="counts">Watches of each item, N + 1 numbers; the first is not read.</param>
    public void SetPopularity(ReadOnlySpan<long> counts)
    {
        var total = (double)counts.Length - 1;
        foreach (var count in counts[1..])
            total += count;
        var bias = new float[counts.Length];
        bias[0] = float.NegativeInfinity;
        for (var i = 1; i < bias.Length; i++)
            bias[i] = (float)Math.Log((counts[i] + 1) / total);
        using var guard = no_grad();
        using var values = tensor(bias);
        _bias.copy_(values);
    }

    /// <summary>Reads histories.</summary>
    /// <param name="items">int64 [batch, length]: 0, then item indexes oldest first, padded with 0 on the right.</param>
    /// <returns>float32 [batch, length, d]: the state after every step; steps after a row's end mean nothing.</returns>
    public Tensor Read(Tensor items)
    {
        using var scope = NewDisposeScope();
        var vectors = _items.call(items);
        if (Shape.ScaleInput)
        {
            using var scale = Math.Sqrt(Shape.Dimension).ToScalar();
            vectors = vectors.mul(scale);
        }

        return Encoder.call(vectors).MoveToOuterDisposeScope();
    }

    /// <summary>Multiplies states by what the requests' contexts say; all codes unknown leave every bit as it was.</summary>
    /// <param name="states">float32 [rows, d].</param>
    /// <param name="context">int64 [rows, fields]; not read if the network has no context fields.</param>
    public Tensor Fuse(Tensor states, Tensor context)
    {
        if (_context.Length == 0)
            return states.alias();
        using var scope = NewDisposeScope();
        using var one = 1.ToScalar();
        var factor = _context.Select((table, f) => table.call(context.select(1, f))).Aggregate((sum, next) => sum + next).add(one);
        return (states * factor).MoveToOuterDisposeScope();
    }

    /// <summary>Scores all items: float32 [rows, N + 1], column 0 is −∞.</summary>
    /// <param name="states">Fused states, float32 [rows, d].</param>
    public Tensor Score(Tensor states)
    {
        using var transposed = ItemMatrix.t();
        return addmm(_bias, states, transposed, beta: 1, alpha: 1);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var module in (nn.Module[])[_items, Encoder, .. _context])
                module.Dispose();
            _bias.Dispose();
        }

        base.Dispose(disposing);
    }

    private static nn.Module<Tensor, Tensor> CreateEncoder(NetworkShape shape, double dropout) => shape.Kind switch
    {
        NetworkKind.Gru => new GruEncoder(shape, dropout),
        _ => new CausalTransformer(shape, dropout),
    };

    /// <summary>What starts at zero: the marker, and the context vectors, so that a network begins context-free.</summary>
    private void Initialise()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        ItemMatrix[0].zero_();
        using var never = float.NegativeInfinity.ToScalar();
        _bias[0].fill_(never);
        foreach (var table in _context)
            table.weight!.zero_();
    }
}
