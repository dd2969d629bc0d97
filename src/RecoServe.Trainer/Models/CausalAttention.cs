using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// Multi-head attention (Vaswani et al. 2017, §3.2.2) in which step t sees the steps 0…t. The probabilities have no dropout:
/// so torch computes them block by block, and they are never in memory as a whole.
/// </summary>
internal class CausalAttention : nn.Module<Tensor, Tensor, Tensor>
{
    /// <param name="dimension">Width d of input and output.</param>
    /// <param name="heads">Heads; they divide the width.</param>
    public CausalAttention(int dimension, int heads)
        : base(nameof(CausalAttention))
    {
        Heads = heads;
        (Query, KeyValue, Output) = (nn.Linear(dimension, dimension), nn.Linear(dimension, 2 * dimension), nn.Linear(dimension, dimension));
        register_module("query", Query);
        register_module("key_value", KeyValue);
        register_module("output", Output);
    }

    /// <summary>Number of heads.</summary>
    public int Heads { get; }

    /// <summary>Queries from their source: d → d.</summary>
    public Linear Query { get; }

    /// <summary>Keys, then values, from theirs: d → 2 d.</summary>
    public Linear KeyValue { get; }

    /// <summary>From all heads' values to the output: d → d.</summary>
    public Linear Output { get; }

    /// <summary>What makes that which is compared or gathered.</summary>
    public virtual IEnumerable<Linear> Compared => [Query, KeyValue];

    /// <param name="asking">What the queries are made of, float32 [batch, length, d].</param>
    /// <param name="asked">What keys and values are made of, of the same shape.</param>
    /// <returns>Of the same shape.</returns>
    public override Tensor forward(Tensor asking, Tensor asked)
    {
        using var scope = NewDisposeScope();
        return Output.call(Attend(asking, asked)).MoveToOuterDisposeScope();
    }

    /// <summary>The attention that a network's blocks have.</summary>
    public static CausalAttention Of(NetworkShape shape) =>
        shape.Memory == 0 ? new CausalAttention(shape.Width, shape.Heads) : new SegmentAttention(shape.Width, shape.Heads, shape.Memory);

    /// <summary>What each step sees, all heads side by side: [batch, length, d].</summary>
    protected virtual Tensor Attend(Tensor asking, Tensor asked)
    {
        var keyValue = KeyValue.call(asked).chunk(2, 2);
        var seen = nn.functional.scaled_dot_product_attention(
            Split(Query.call(asking)), Split(keyValue[0]), Split(keyValue[1]), is_casual: true);
        return seen.transpose(1, 2).flatten(2);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var module in (nn.Module[])[Query, KeyValue, Output])
                module.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>[batch, length, d] → [batch, heads, length, d / heads].</summary>
    private Tensor Split(Tensor x) => x.unflatten(2, Heads, x.shape[^1] / Heads).transpose(1, 2);
}
