using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// A block of SASRec (Kang and McAuley 2018, §III-B) in its authors' variant: queries come from the normed input and keys and
/// values from the input as it is, and each residual goes around from the normed side. q = LN(x); y = LN(q + attention(q, x));
/// out = y + W₂ relu(W₁ y), the inner width being d.
/// </summary>
internal sealed class SasrecBlock : nn.Module<Tensor, Tensor>
{
    private readonly double _dropout;

    /// <param name="shape">Width d, attention heads, and memory.</param>
    /// <param name="dropout">Share of cells zeroed in training at the end of each branch and inside the second.</param>
    public SasrecBlock(NetworkShape shape, double dropout)
        : base(nameof(SasrecBlock))
    {
        _dropout = dropout;
        Attention = CausalAttention.Of(shape);
        var dimension = shape.Width;
        (AttentionNorm, ForwardNorm) = (nn.LayerNorm(dimension), nn.LayerNorm(dimension));
        (Inner, Outer) = (nn.Linear(dimension, dimension), nn.Linear(dimension, dimension));
        register_module("attention", Attention);
        register_module("attention_norm", AttentionNorm);
        register_module("forward_norm", ForwardNorm);
        register_module("inner", Inner);
        register_module("outer", Outer);
    }

    /// <summary>The attention.</summary>
    public CausalAttention Attention { get; }

    /// <summary>The norm of the queries.</summary>
    public LayerNorm AttentionNorm { get; }

    /// <summary>The norm of what goes into the feed-forward part.</summary>
    public LayerNorm ForwardNorm { get; }

    /// <summary>W₁.</summary>
    public Linear Inner { get; }

    /// <summary>W₂.</summary>
    public Linear Outer { get; }

    /// <param name="input">float32 [batch, length, d].</param>
    /// <returns>Of the same shape.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var queries = AttentionNorm.call(input);
        var y = ForwardNorm.call(queries.Plus(Drop(Attention.call(queries, input))));
        return y.Plus(Drop(Outer.call(Drop(Inner.call(y).relu_())))).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var module in (nn.Module[])[Attention, AttentionNorm, ForwardNorm, Inner, Outer])
                module.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor Drop(Tensor x) => nn.functional.dropout(x, _dropout, training);
}
