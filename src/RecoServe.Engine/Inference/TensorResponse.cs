using System.Globalization;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace RecoServe.Engine.Inference;

/// <summary>
/// Puts the outputs of a request together from its rows, which may come out of several batches, in any order. Memory is taken before it
/// is allocated: for outputs of a size that the graph says, before anything is computed. Thread-safe.
/// </summary>
internal sealed class TensorResponse
{
    /// <summary>Bytes of all outputs: a message holds no more.</summary>
    internal const long MaxBytes = int.MaxValue - (1 << 20);

    /// <summary>What a string takes beside its text: where it is, and the header of an array.</summary>
    private const int StringBytes = 40;

    private readonly TensorRequest _request;
    private readonly Action<long>? _takeMemory;
    private readonly Lock _lock = new();
    private readonly Part[] _parts;
    private readonly long[] _taken;

    /// <param name="request">Whose outputs they are.</param>
    /// <param name="takeMemory">Takes so many more bytes of memory; throws if there are none. Called by one thread at a time.</param>
    /// <exception cref="InvalidRequestException">The outputs would be larger than a message can be.</exception>
    internal TensorResponse(TensorRequest request, Action<long>? takeMemory = null)
    {
        (_request, _takeMemory) = (request, takeMemory);
        (_parts, _taken) = (new Part[request.Outputs.Count], new long[request.Outputs.Count]);
        for (var output = 0; output < _parts.Length; output++)
            TakeTo(output, request.Rows * KnownBytesOfRow(SpecOf(output)));
    }

    /// <summary>The outputs, in the order asked for; when all rows have been written.</summary>
    internal IReadOnlyList<TensorData> Tensors => [.. _parts.Select((part, output) =>
    {
        var spec = SpecOf(output);
        return new TensorData(spec.Name, spec.Type, _request.Signature.IsBatched ? [_request.Rows, .. part.RowShape] : part.RowShape, part.Data, part.Strings);
    })];

    /// <summary>Takes a row of an output.</summary>
    /// <exception cref="InvalidOperationException">Another row came out in another shape.</exception>
    /// <exception cref="InvalidRequestException">The outputs are larger than a message can be.</exception>
    internal void Write(int output, int row, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data)
    {
        var part = PartOf(output, shape, data.Length);
        data.CopyTo(part.Data.AsSpan(row * data.Length));
    }

    /// <inheritdoc cref="Write(int, int, ReadOnlySpan{long}, ReadOnlySpan{byte})"/>
    internal void Write(int output, int row, ReadOnlySpan<long> shape, ReadOnlySpan<ReadOnlyMemory<byte>> strings)
    {
        var part = PartOf(output, shape, strings.Length);
        long text = 0;
        foreach (var element in strings)
            text += element.Length;
        lock (_lock)
            TakeTo(output, (double)_taken[output] + text);
        strings.CopyTo(part.Strings.AsSpan(row * strings.Length));
    }

    private TensorSpec SpecOf(int output) => _request.Signature.Outputs[_request.Outputs[output]];

    /// <summary>Bytes of a row, 0 if the graph does not say them. Not a whole number: sizes of graphs may multiply to anything.</summary>
    private double KnownBytesOfRow(TensorSpec spec)
    {
        var row = spec.Shape.Skip(_request.Signature.IsBatched ? 1 : 0);
        return row.Any(size => size < 0) ? 0 : row.Aggregate((double)TensorData.SizeOf(spec.Type), (product, size) => product * size);
    }

    private void TakeTo(int output, double bytes)
    {
        if (bytes <= _taken[output])
            return;
        var all = _taken.Sum() - _taken[output] + bytes;
        if (all > MaxBytes)
            throw new InvalidRequestException("outputs", string.Create(CultureInfo.InvariantCulture, $"would have {all:F0} bytes for {_request.Rows} rows, an answer can have {MaxBytes}: ask for fewer rows or outputs at a time"));
        _takeMemory?.Invoke((long)bytes - _taken[output]);
        _taken[output] = (long)bytes;
    }

    private Part PartOf(int output, ReadOnlySpan<long> shape, int length)
    {
        lock (_lock)
        {
            if (_parts[output] is not { } part)
            {
                var (isText, total) = (SpecOf(output).Type == TensorElementType.String, (long)_request.Rows * length);
                TakeTo(output, isText ? StringBytes * total : total);
                part = _parts[output] = new Part(shape.ToArray(), isText ? [] : new byte[total], isText ? new ReadOnlyMemory<byte>[total] : null);
            }

            if (!shape.SequenceEqual(part.RowShape))
            {
                throw new InvalidOperationException(
                    $"rows of output \"{_request.OutputNames[output]}\" came out in shapes {TensorRequest.Text(part.RowShape)} and {TensorRequest.Text(shape.ToArray())}");
            }

            return part;
        }
    }

    private sealed record Part(long[] RowShape, byte[] Data, ReadOnlyMemory<byte>[]? Strings);
}
