using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>
/// A causal Transformer: learned vectors of the positions from the start marker on are added to the input, then come the
/// blocks and a last layer norm. Rows are padded on the right, where no earlier step looks: attention needs no other mask.
/// With a memory there are no positions, only distances: see <see cref="SegmentAttention"/>.
/// </summary>
internal sealed class CausalTransformer : nn.Module<Tensor, Tensor>
{
    private readonly Parameter? _positions;
    private readonly double _dropout;

    /// <param name="shape">Kind, width, heads, blocks and number of positions.</param>
    /// <param name="dropout">Share of input and branch cells zeroed in training.</param>
    public CausalTransformer(NetworkShape shape, double dropout)
        : base(nameof(CausalTransformer))
    {
        _dropout = dropout;
        if (shape.Memory == 0)
        {
            using var guard = no_grad();
            _positions = nn.Parameter(empty(shape.MaxHistory + 1, shape.Width));
            _positions.normal_(0, shape.Deviation);
            register_parameter("positions", _positions);
        }

        Blocks = [.. Enumerable.Range(0, shape.Layers).Select(_ => CreateBlock(shape, dropout))];
        foreach (var block in Blocks)
            Initialise(block, shape.Deviation);
        LastNorm = nn.LayerNorm(shape.Width);
        for (var b = 0; b < Blocks.Count; b++)
            register_module($"block_{b}", Blocks[b]);
        register_module("last_norm", LastNorm);
    }

    /// <summary>[max history + 1, d]: row p is added to the vector of step p, the start marker's being 0. Null with a memory.</summary>
    public Tensor? Positions => _positions;

    /// <summary>The blocks in the order of computation.</summary>
    public IReadOnlyList<nn.Module<Tensor, Tensor>> Blocks { get; }

    /// <summary>The layer norm after the last block.</summary>
    public LayerNorm LastNorm { get; }

    /// <param name="input">float32 [batch, length, d], no longer than there are positions.</param>
    /// <returns>The state after every step, of the same shape.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var placed = _positions is null ? input : input.Plus(_positions.narrow(0, 0, input.shape[1]));
        var x = nn.functional.dropout(placed, _dropout, training);
        foreach (var block in Blocks)
            x = block.call(x);
        return LastNorm.call(x).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var module in (nn.Module[])[.. Blocks, LastNorm])
                module.Dispose();
            _positions?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>
    /// Small weights, but for what attention compares and gathers: a new block is next to its input, which learns faster than torch's
    /// range (docs/decisions/0008-transformer-training.md).
    /// </summary>
    private static void Initialise(nn.Module block, double deviation)
    {
        using var guard = no_grad();
        var modules = block.modules().ToArray();
        var compared = modules.OfType<CausalAttention>().SelectMany(a => a.Compared);
        foreach (var linear in modules.OfType<Linear>().Except(compared))
        {
            linear.weight!.normal_(0, deviation);
            linear.bias!.zero_();
        }
    }

    private static nn.Module<Tensor, Tensor> CreateBlock(NetworkShape shape, double dropout) => shape.Kind switch
    {
        NetworkKind.Ligr => new LigrBlock(shape, dropout),
        _ => new SasrecBlock(shape, dropout),
    };
}
