using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace RecoServe.Engine.Inference;

/// <summary>What ONNX Runtime allocated for the outputs of one batch.</summary>
internal sealed class TensorOutput(Action giveBack) : BatchMemory
{
    private IDisposableReadOnlyCollection<OrtValue>? _values;
    private bool _leadsWithRows;

    /// <summary>Takes the outputs of a run: its own from now on.</summary>
    /// <param name="values">The outputs.</param>
    /// <param name="request">Whose outputs they are.</param>
    /// <param name="rows">Rows of the batch.</param>
    /// <exception cref="InvalidOperationException">The graph is batched, and an output has not a row for each of the batch.</exception>
    internal void Take(IDisposableReadOnlyCollection<OrtValue> values, TensorRequest request, int rows)
    {
        (_values, _leadsWithRows) = (values, request.Signature.IsBatched);
        for (var output = 0; _leadsWithRows && output < values.Count; output++)
        {
            var (shape, _) = ShapeOf(values[output]);
            if (shape.Length == 0 || shape[0] != rows)
            {
                throw new InvalidOperationException(
                    $"output \"{request.OutputNames[output]}\" has shape {TensorRequest.Text(shape)} for {rows} rows: the graph cannot be batched, \"max_batch_size\": 0 in {Packages.GraphFiles.Config} says so");
            }
        }
    }

    /// <summary>Copies a row of every output.</summary>
    /// <param name="row">The row.</param>
    /// <param name="to">What the row is a part of.</param>
    /// <param name="toRow">Its row there.</param>
    internal void CopyRow(int row, TensorResponse to, int toRow)
    {
        for (var output = 0; output < _values!.Count; output++)
        {
            var value = _values[output];
            var (shape, type) = ShapeOf(value);
            var rowShape = _leadsWithRows ? shape[1..] : shape;
            var count = rowShape.Aggregate(1L, (product, size) => product * size);
            if (type == TensorElementType.String)
                to.Write(output, toRow, rowShape, [.. Enumerable.Range(0, (int)count).Select(i => (ReadOnlyMemory<byte>)value.GetStringElementAsSpan((int)((row * count) + i)).ToArray())]);
            else
                to.Write(output, toRow, rowShape, RawData(value, row * count, count, TensorData.SizeOf(type)));
        }
    }

    protected override void GiveBack()
    {
        _values?.Dispose();
        _values = null;
        giveBack();
    }

    private static (long[] Shape, TensorElementType Type) ShapeOf(OrtValue value)
    {
        var info = value.GetTensorTypeAndShape();
        return (info.Shape, info.ElementDataType);
    }

    private static ReadOnlySpan<byte> RawData(OrtValue value, long start, long count, int size) =>
        count == 0 ? [] : value.GetTensorMutableRawData().Slice(checked((int)(start * size)), checked((int)(count * size)));
}
