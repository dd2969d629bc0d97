using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Inference;

/// <summary>
/// Any ONNX graph of tensors. If each input and output leads with a dimension of any size, rows of several requests are computed
/// in one run; else requests are computed whole. Safe for several callers at a time.
/// </summary>
internal sealed class PlainGraph : IBatchRunner<TensorRow, TensorOutput>, IDisposable
{
    private readonly SessionOptions _options;
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();
    private readonly string[] _inputNames;
    private readonly SemaphoreSlim _outputs;

    /// <param name="path">The graph.</param>
    /// <param name="config">How it is batched.</param>
    /// <param name="options">Batch size where <paramref name="config"/> has none, threads, device.</param>
    /// <exception cref="PackageException">ONNX Runtime refuses it, or it reads something that is not a tensor, or of a type that has no name in the protocol.</exception>
    internal PlainGraph(string path, GraphConfig config, RunnerOptions options)
    {
        _options = Sessions.CreateOptions(options);
        try
        {
            _session = Sessions.Open(path, _options);
            Signature = SignatureOf(path, config, options);
        }
        catch
        {
            Dispose();
            throw;
        }

        _inputNames = [.. Signature.Inputs.Select(i => i.Name)];
        _outputs = new SemaphoreSlim(Signature.Instances + RunnerOptions.MaxSpareOutputs);
    }

    internal GraphSignature Signature { get; }

    /// <inheritdoc/>
    public int MaxBatchSize => Math.Max(1, Signature.MaxBatchSize);

    /// <inheritdoc/>
    public TensorOutput Reserve()
    {
        _outputs.Wait();
        return NewOutput();
    }

    /// <inheritdoc/>
    public TensorOutput? TryReserve() => _outputs.Wait(0) ? NewOutput() : null;

    /// <inheritdoc/>
    public BatchRun Run(TensorOutput output, ReadOnlySpan<TensorRow> rows, int logitRows, TimeProvider clock)
    {
        var start = clock.GetTimestamp();
        var request = rows[0].Request;
        var inputs = new List<OrtValue>(_inputNames.Length);
        try
        {
            for (var input = 0; input < _inputNames.Length; input++)
                inputs.Add(Gather(rows, input));
            output.Take(_session.Run(_run, _inputNames, inputs, request.OutputNames), request, rows.Length);
        }
        finally
        {
            foreach (var input in inputs)
                input.Dispose();
        }

        return new BatchRun(clock.GetElapsedTime(start), TimeSpan.Zero);
    }

    public void Dispose()
    {
        _session?.Dispose();
        _options.Dispose();
        _run.Dispose();
        _outputs?.Dispose();
    }

    private TensorOutput NewOutput()
    {
        var output = new TensorOutput(() => _outputs.Release());
        output.HoldFor(1);
        return output;
    }

    /// <summary>One input of all rows.</summary>
    private static OrtValue Gather(ReadOnlySpan<TensorRow> rows, int input)
    {
        var (first, elements) = (rows[0].Request, checked((int)rows[0].Request.ElementsOfRow[input]));
        var type = first.Inputs[input].Type;
        var shape = first.ShapeOf(input, rows.Length);
        if (type == TensorElementType.String)
            return GatherStrings(rows, input, elements, shape);
        var value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, type, shape);
        var bytes = checked(elements * TensorData.SizeOf(type));
        if (bytes > 0)
        {
            var data = value.GetTensorMutableRawData();
            for (var row = 0; row < rows.Length; row++)
                rows[row].Request.Inputs[input].Data.Span.Slice(rows[row].Index * bytes, bytes).CopyTo(data[(row * bytes)..]);
        }

        return value;
    }

    private static OrtValue GatherStrings(ReadOnlySpan<TensorRow> rows, int input, int elements, long[] shape)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, shape);
        for (var row = 0; row < rows.Length; row++)
        {
            var strings = rows[row].Request.Inputs[input].Strings!;
            for (var i = 0; i < elements; i++)
                value.StringTensorSetElementAt(strings[(rows[row].Index * elements) + i].Span, (row * elements) + i);
        }

        return value;
    }

    private GraphSignature SignatureOf(string path, GraphConfig config, RunnerOptions options)
    {
        var inputs = _session.InputMetadata.Select(i => Spec(path, "input", i.Key, i.Value)).ToArray();
        // Outputs that are no tensors (maps of classifiers, for example) cannot be asked for.
        var outputs = _session.OutputMetadata.Where(o => o.Value.OnnxValueType == OnnxValueType.ONNX_TYPE_TENSOR).Select(o => Spec(path, "output", o.Key, o.Value)).ToArray();
        if (outputs.Length == 0)
            throw new PackageException(path, "computes no tensor");
        var leads = inputs.Length > 0 && inputs.Concat(outputs).All(t => t.Shape.Count > 0 && t.Shape[0] == -1);
        if (!leads && config.MaxBatchSize > 0)
            throw new PackageException(path, $"cannot be batched, as {GraphFiles.Config} asks for: not every input and output leads with a dimension of any size");
        var maxBatchSize = leads ? config.MaxBatchSize ?? options.MaxBatchSize : 0;
        var delay = TimeSpan.FromMicroseconds(config.MaxQueueDelayMicroseconds ?? 0);
        return new GraphSignature(inputs, outputs, maxBatchSize, delay, Math.Min(config.Instances ?? options.InstanceCount, options.ThreadCount));
    }

    private static TensorSpec Spec(string path, string what, string name, NodeMetadata metadata)
    {
        if (metadata.OnnxValueType != OnnxValueType.ONNX_TYPE_TENSOR)
            throw new PackageException(path, $"has the {what} \"{name}\" of {metadata.OnnxValueType}: only tensors can be sent");
        if (metadata.ElementDataType != TensorElementType.String && TensorData.SizeOf(metadata.ElementDataType) == 0)
            throw new PackageException(path, $"has the {what} \"{name}\" of element type {metadata.ElementDataType}, which the protocol does not know");
        return new TensorSpec(name, metadata.ElementDataType, [.. metadata.Dimensions.Select(d => (long)d)]);
    }
}
