using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// A pre-norm Transformer block with gated residuals (the LiGR layers of Borisyuk et al. 2025, as eSASRec uses them) and
/// SwiGLU (Shazeer 2020): x ← x + σ(G₁ x) ⊙ attention(LN x); x ← x + σ(G₂ x) ⊙ W₂(silu(W₁ n) ⊙ W₃ n) with n = LN x, the
/// inner width being 4 d.
/// </summary>
internal sealed class LigrBlock : nn.Module<Tensor, Tensor>
{
    private const int InnerFactor = 4;

    private readonly double _dropout;

    /// <param name="shape">Width d, attention heads, and memory.</param>
    /// <param name="dropout">Share of cells zeroed in training at the end of each branch.</param>
    public LigrBlock(NetworkShape shape, double dropout)
        : base(nameof(LigrBlock))
    {
        _dropout = dropout;
        Attention = CausalAttention.Of(shape);
        var dimension = shape.Width;
        (AttentionNorm, ForwardNorm) = (nn.LayerNorm(dimension), nn.LayerNorm(dimension));
        (AttentionGate, ForwardGate) = (nn.Linear(dimension, dimension), nn.Linear(dimension, dimension));
        (Inner, Outer) = (nn.Linear(dimension, 2 * InnerFactor * dimension), nn.Linear(InnerFactor * dimension, dimension));
        register_module("attention", Attention);
        register_module("attention_norm", AttentionNorm);
        register_module("attention_gate", AttentionGate);
        register_module("forward_norm", ForwardNorm);
        register_module("forward_gate", ForwardGate);
        register_module("inner", Inner);
        register_module("outer", Outer);
    }

    /// <summary>The attention.</summary>
    public CausalAttention Attention { get; }

    /// <summary>The norm before the attention.</summary>
    public LayerNorm AttentionNorm { get; }

    /// <summary>G₁.</summary>
    public Linear AttentionGate { get; }

    /// <summary>The norm before the feed-forward part.</summary>
    public LayerNorm ForwardNorm { get; }

    /// <summary>G₂.</summary>
    public Linear ForwardGate { get; }

    /// <summary>W₁, then W₃: d → 8 d.</summary>
    public Linear Inner { get; }

    /// <summary>W₂: 4 d → d.</summary>
    public Linear Outer { get; }

    /// <param name="input">float32 [batch, length, d].</param>
    /// <returns>Of the same shape.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var normed = AttentionNorm.call(input);
        var x = input.Plus(AttentionGate.call(input).sigmoid_() * Drop(Attention.call(normed, normed)));
        var inner = Inner.call(ForwardNorm.call(x)).chunk(2, 2);
        var branch = Outer.call(nn.functional.silu(inner[0]) * inner[1]);
        return x.Plus(ForwardGate.call(x).sigmoid_() * Drop(branch)).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var module in (nn.Module[])[Attention, AttentionNorm, AttentionGate, ForwardNorm, ForwardGate, Inner, Outer])
                module.Dispose();
        }

        base.Dispose(disposing);
    }

    private Tensor Drop(Tensor x) => nn.functional.dropout(x, _dropout, training);
}
