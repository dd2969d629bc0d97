using RecoServe.Engine.Inference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace RecoServe.Trainer.Models;

/// <summary>
/// A next-watch network: an encoder reads the vectors of the start marker and of the watches, the context of the request is
/// fused with its state, and the product of that with an item's vector plus that item's bias is the item's logit.
/// </summary>
internal sealed class NextWatchNetwork : nn.Module
{
    private readonly Embedding[] _context;
    private readonly Embedding[] _historyContext;
    private readonly Embedding? _gaps;
    private readonly Parameter _bias;

    static NextWatchNetwork() => LibTorch.EnsureLoaded();

    /// <summary>A network with random weights, a function of torch's generator: seed it before.</summary>
    /// <param name="shape">The network's kind and sizes.</param>
    /// <param name="dropout">Share of embedding and state cells zeroed in training, 0 ≤ p &lt; 1.</param>
    public NextWatchNetwork(NetworkShape shape, double dropout)
        : base(nameof(NextWatchNetwork))
    {
        Shape = shape;
        Items = new ItemVectors(shape);
        Encoder = CreateEncoder(shape, dropout);
        if (shape.Width != shape.Dimension)
            (Widen, Narrow) = (nn.Linear(shape.Dimension, shape.Width, hasBias: false), nn.Linear(shape.Width, shape.Dimension, hasBias: false));
        _bias = nn.Parameter(zeros(shape.ItemCount + 1));

        // Last, so that the other weights are the same with and without context.
        _context = [.. shape.ContextSizes.Select(values => nn.Embedding(values + 1, shape.Dimension, padding_idx: 0))];
        _historyContext = [.. shape.ContextSizes.Where(_ => shape.HistoryContext).Select(values => nn.Embedding(values + 1, shape.Dimension, padding_idx: 0))];
        _gaps = shape.TimeGaps ? nn.Embedding(TimeGap.CodeCount, shape.Dimension, padding_idx: 0) : null;
        foreach (var (name, module) in Items.Modules)
            register_module(name, module);
        register_module("encoder", Encoder);
        if (Widen is not null)
        {
            register_module("widen", Widen);
            register_module("narrow", Narrow!);
        }

        if (shape.ItemBias)
            register_parameter("item_bias", _bias);
        if (shape.SparseGradients)
            _bias.grad = RowGradient.Sparse(_bias);
        else if (!shape.ItemBias)
            _bias.grad = zeros(shape.ItemCount + 1);
        for (var f = 0; f < _context.Length; f++)
            register_module($"context_{f}", _context[f]);
        for (var f = 0; f < _historyContext.Length; f++)
            register_module($"history_context_{f}", _historyContext[f]);
        if (_gaps is not null)
            register_module("time_gaps", _gaps);
        Initialise();
    }

    /// <summary>The network's kind and sizes.</summary>
    public NetworkShape Shape { get; }

    /// <summary>Vectors [batch, length, width] → the state after every step, of the same shape.</summary>
    public nn.Module<Tensor, Tensor> Encoder { get; }

    /// <summary>From item vectors to the encoder's width; null if they have it.</summary>
    public Linear? Widen { get; }

    /// <summary>From the encoder's states to the width of item vectors; null if they have it.</summary>
    public Linear? Narrow { get; }

    /// <summary>The items' vectors.</summary>
    public ItemVectors Items { get; }

    /// <summary>The vectors E [N + 1, d] that items are scored with; row 0, the start marker, is zero and stays so.</summary>
    public Parameter ItemMatrix => Items.Output;

    /// <summary>b [N + 1]; entry 0 is −∞: the marker is never recommended. Without biases the others are 0 and stay so.</summary>
    public Parameter ItemBias => _bias;

    /// <summary>W_f [values + 1, d] of context field f; row 0, unknown, is zero and stays so.</summary>
    public Tensor ContextMatrix(int field) => _context[field].weight!;

    /// <summary>U_f [values + 1, d] of context field f: row c is added to the vector of a watch in a context of code c; row 0, unknown, is zero and stays so.</summary>
    public Tensor HistoryContextMatrix(int field) => _historyContext[field].weight!;

    /// <summary>V [codes, d]: row g is added to the vector of a watch that came a gap of code g after another; row 0, unknown, is zero and stays so.</summary>
    public Tensor? GapMatrix => _gaps?.weight;

    /// <summary>Starts the biases at the logarithm of each item's share of the rewards (one is added to every sum).</summary>
    /// <param name="rewards">Sum of the rewards of each item, of watches their number: N + 1 numbers; the first is not read.</param>
    public void SetPopularity(ReadOnlySpan<double> rewards)
    {
        if (!Shape.ItemBias)
            return;
        using var guard = no_grad();
        using var values = tensor(LogShares.Of(rewards));
        _bias.copy_(values);
    }

    /// <summary>
    /// Adds to each bias the logarithm of the item's mean reward. A network of full capacity that was trained without rewards is then where it would be with
    /// them, as far as the reward is the item's: π becomes π R. An item without watches counts as one of the mean reward of all.
    /// </summary>
    /// <param name="counts">Watches of each item, N + 1 numbers; the first is not read.</param>
    /// <param name="rewards">Sum of their rewards.</param>
    public void AddRewards(ReadOnlySpan<long> counts, ReadOnlySpan<double> rewards)
    {
        const double Prior = 0.01; // watches: where all rewards are 0, the logarithm is still finite
        if (!Shape.ItemBias)
            return;
        var mean = TensorPrimitives.Sum(rewards[1..]) / TensorPrimitives.Sum(counts[1..]);
        var changes = new float[counts.Length];
        for (var i = 1; i < changes.Length; i++)
            changes[i] = (float)Math.Log((rewards[i] + (Prior * mean)) / (counts[i] + Prior));
        using var guard = no_grad();
        using var values = tensor(changes);
        _bias.Increase(values);
    }

    /// <summary>Reads histories.</summary>
    /// <param name="items">int64 [batch, length]: 0, then item indexes oldest first, padded with 0 on the right.</param>
    /// <param name="gaps">int64 [batch, length]: <see cref="TimeGap"/> codes. Only read if the network reads time gaps; null if all are unknown.</param>
    /// <param name="watched">
    /// int64 [batch, length, fields]: codes of the contexts of watches. Only read if the network reads them; null if all are unknown.
    /// </param>
    /// <returns>float32 [batch, length, d]: the state after every step; steps after a row's end mean nothing.</returns>
    public Tensor Read(Tensor items, Tensor? gaps = null, Tensor? watched = null)
    {
        using var vectors = Embed(items, gaps, watched);
        return Encode(vectors);
    }

    /// <summary>The vectors of watches as the encoder reads them: float32 [batch, length, d], the start marker's being 0. Parameters as of <see cref="Read"/>.</summary>
    public Tensor Embed(Tensor items, Tensor? gaps, Tensor? watched)
    {
        using var scope = NewDisposeScope();
        var vectors = Items.Lookup(items);
        if (Shape.ScaleInput)
        {
            using var scale = Math.Sqrt(Shape.Dimension).ToScalar();
            vectors = vectors.mul(scale);
        }

        if (_gaps is not null && gaps is not null)
            vectors = vectors.Plus(_gaps.call(gaps));
        for (var f = 0; f < _historyContext.Length && watched is not null; f++)
            vectors = vectors.Plus(_historyContext[f].call(watched.select(2, f)));
        return vectors.MoveToOuterDisposeScope();
    }

    /// <summary>The states after vectors of <see cref="Embed"/>: float32 [batch, length, d].</summary>
    public Tensor Encode(Tensor vectors)
    {
        if (Widen is null)
            return Encoder.call(vectors);
        using var scope = NewDisposeScope();
        return Narrow!.call(Encoder.call(Widen.call(vectors))).MoveToOuterDisposeScope();
    }

    /// <summary>Fuses states with the requests' contexts; all codes unknown leave every bit as it was.</summary>
    /// <param name="states">float32 [rows, d].</param>
    /// <param name="context">int64 [rows, fields]; not read if the network has no context fields.</param>
    public Tensor Fuse(Tensor states, Tensor context)
    {
        if (_context.Length == 0)
            return states.alias();
        using var scope = NewDisposeScope();
        return FuseWith(states, _context.Select((table, f) => table.call(context.select(1, f))).Aggregate(TensorSum.Plus)).MoveToOuterDisposeScope();
    }

    /// <summary>Fuses states with the sum of the vectors of their context values, both float32 [rows, d].</summary>
    public Tensor FuseWith(Tensor states, Tensor sum)
    {
        if (Shape.Fusion == ContextFusion.Add)
            return states.Plus(sum);
        using var one = 1.ToScalar();
        using var factors = sum.Plus(one);
        return states * factors;
    }

    /// <summary>Scores all items: float32 [rows, N + 1], column 0 is −∞.</summary>
    /// <param name="states">Fused states, float32 [rows, d].</param>
    public Tensor Score(Tensor states)
    {
        using var transposed = ItemMatrix.t();
        return addmm(_bias, states, transposed, beta: 1, alpha: 1);
    }

    /// <summary>Passes the gradients of what is not a weight itself on to the weights: after the loss, before the optimiser's step.</summary>
    public void SpreadGradient()
    {
        Items.SpreadGradient();
        if (!Shape.ItemBias)
            _bias.grad!.zero_();
    }

    /// <summary>Computes what depends on the weights: after every change of them.</summary>
    public void Refresh() => Items.Compose();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var part in (IDisposable?[])[Items, Encoder, Widen, Narrow, _gaps, .. _context, .. _historyContext])
                part?.Dispose();
            _bias.Dispose();
        }

        base.Dispose(disposing);
    }

    private static nn.Module<Tensor, Tensor> CreateEncoder(NetworkShape shape, double dropout) => shape.Kind switch
    {
        NetworkKind.Gru => new GruEncoder(shape, dropout),
        _ => new CausalTransformer(shape, dropout),
    };

    /// <summary>Vectors of contexts and gaps start at zero, so that a network begins without them.</summary>
    private void Initialise()
    {
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        using var never = float.NegativeInfinity.ToScalar();
        _bias[0].fill_(never);
        foreach (var table in (Embedding?[])[_gaps, .. _context, .. _historyContext])
            table?.weight!.zero_();
    }
}
