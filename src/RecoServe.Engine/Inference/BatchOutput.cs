using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace RecoServe.Engine.Inference;

/// <summary>
/// User states [rows, d] and logits [rows, N + 1] of one batch.
/// </summary>
internal sealed class BatchOutput : BatchMemory, IDisposable
{
    private readonly NativeBuffer<float> _states;
    private readonly NativeBuffer<float> _logits;
    private readonly OrtValue?[] _stateTensors;
    private readonly OrtValue?[] _logitTensors;
    private readonly Action<BatchOutput> _return;
    private readonly int _dimension;
    private readonly int _columns;

    internal BatchOutput(int maxRows, int dimension, int columns, Action<BatchOutput> giveBack)
    {
        (_dimension, _columns, _return) = (dimension, columns, giveBack);
        _states = new NativeBuffer<float>((long)maxRows * dimension);
        _logits = new NativeBuffer<float>((long)maxRows * columns);
        (_stateTensors, _logitTensors) = (new OrtValue?[maxRows + 1], new OrtValue?[maxRows + 1]);
    }

    internal OrtValue States(int rows) => _stateTensors[rows] ??= _states.AsTensor(TensorElementType.Float, rows, _dimension);

    internal OrtValue Logits(int rows) => _logitTensors[rows] ??= _logits.AsTensor(TensorElementType.Float, rows, _columns);

    internal ReadOnlySpan<float> State(int row) => _states.Slice((long)row * _dimension, _dimension);

    internal ReadOnlySpan<float> LogitsOf(int row) => _logits.Slice((long)row * _columns, _columns);

    public void Dispose()
    {
        foreach (var tensor in _stateTensors.Concat(_logitTensors))
            tensor?.Dispose();
        _states.Dispose();
        _logits.Dispose();
    }

    protected override void GiveBack() => _return(this);
}
