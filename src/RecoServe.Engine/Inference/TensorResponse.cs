using Microsoft.ML.OnnxRuntime.Tensors;

namespace RecoServe.Engine.Inference;

/// <summary>Puts the outputs of a request together from its rows, which may come out of several batches, in any order. Thread-safe.</summary>
internal sealed class TensorResponse(TensorRequest request)
{
    private readonly Lock _lock = new();
    private readonly Part[] _parts = new Part[request.Outputs.Count];

    /// <summary>The outputs, in the order asked for; when all rows have been written.</summary>
    internal IReadOnlyList<TensorData> Tensors => [.. _parts.Select((part, output) =>
    {
        var spec = request.Signature.Outputs[request.Outputs[output]];
        return new TensorData(spec.Name, spec.Type, request.Signature.IsBatched ? [request.Rows, .. part.RowShape] : part.RowShape, part.Data, part.Strings);
    })];

    /// <summary>Takes a row of an output.</summary>
    /// <exception cref="InvalidOperationException">Another row came out in another shape.</exception>
    internal void Write(int output, int row, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data)
    {
        var part = PartOf(output, shape, data.Length);
        data.CopyTo(part.Data.AsSpan(row * data.Length));
    }

    /// <inheritdoc cref="Write(int, int, ReadOnlySpan{long}, ReadOnlySpan{byte})"/>
    internal void Write(int output, int row, ReadOnlySpan<long> shape, ReadOnlySpan<ReadOnlyMemory<byte>> strings)
    {
        var part = PartOf(output, shape, strings.Length);
        strings.CopyTo(part.Strings.AsSpan(row * strings.Length));
    }

    private Part PartOf(int output, ReadOnlySpan<long> shape, int length)
    {
        lock (_lock)
        {
            if (_parts[output] is not { } part)
            {
                var isText = request.Signature.Outputs[request.Outputs[output]].Type == TensorElementType.String;
                var total = checked(request.Rows * length);
                part = _parts[output] = new Part(shape.ToArray(), isText ? [] : new byte[total], isText ? new ReadOnlyMemory<byte>[total] : null);
            }

            if (!shape.SequenceEqual(part.RowShape))
            {
                throw new InvalidOperationException(
                    $"rows of output \"{request.OutputNames[output]}\" came out in shapes {TensorRequest.Text(part.RowShape)} and {TensorRequest.Text(shape.ToArray())}");
            }

            return part;
        }
    }

    private sealed record Part(long[] RowShape, byte[] Data, ReadOnlyMemory<byte>[]? Strings);
}
