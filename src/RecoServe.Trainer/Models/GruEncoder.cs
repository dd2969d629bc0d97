using TorchSharp.Modules;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Models;

/// <summary>A GRU of one or more layers (torch's cell: the reset gate after the product), with dropout before and after it.</summary>
internal sealed class GruEncoder : nn.Module<Tensor, Tensor>
{
    private readonly GRU _gru;
    private readonly double _dropout;

    /// <param name="shape">Width and layers.</param>
    /// <param name="dropout">Share of input and state cells zeroed in training.</param>
    public GruEncoder(NetworkShape shape, double dropout)
        : base(nameof(GruEncoder))
    {
        (Layers, Dimension, _dropout) = (shape.Layers, shape.Width, dropout);
        _gru = nn.GRU(shape.Width, shape.Width, shape.Layers, batchFirst: true);
        register_module("gru", _gru);
    }

    /// <summary>Number of layers.</summary>
    public int Layers { get; }

    /// <summary>Width of the input and of every layer's state.</summary>
    public int Dimension { get; }

    /// <summary>A weight by torch's name, for example <c>weight_ih_l0</c>; gates in the order r, z, n.</summary>
    public Tensor Weight(string name) => _gru.get_parameter(name)!;

    /// <param name="input">float32 [batch, length, d].</param>
    /// <returns>The state after every step, of the same shape.</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var start = zeros(Layers, input.shape[0], Dimension);
        var (states, _) = _gru.call(nn.functional.dropout(input, _dropout, training), start);
        return nn.functional.dropout(states, _dropout, training).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _gru.Dispose();
        base.Dispose(disposing);
    }
}
