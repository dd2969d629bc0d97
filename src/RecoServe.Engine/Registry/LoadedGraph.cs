using Microsoft.Extensions.Logging;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>A version that is a plain ONNX graph.</summary>
internal sealed class LoadedGraph : LoadedVersion
{
    private readonly PlainGraph _graph;
    private readonly GraphConfig _config;
    private readonly string _path;
    private Batcher<TensorRow, TensorOutput>? _batcher;
    private string _version = "";
    private string? _leftCold;

    private LoadedGraph(string path, GraphConfig config, PlainGraph graph) => (_path, _config, _graph) = (path, config, graph);

    internal override GraphSignature Signature => _graph.Signature;

    internal override string Summary => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"a graph of {Signature.Inputs.Count} inputs and {Signature.Outputs.Count} outputs, {(Signature.IsBatched ? $"in batches of at most {Signature.MaxBatchSize}" : "not batched")}");

    internal override string? LeftCold => _leftCold;

    /// <summary>Reads configuration and graph.</summary>
    /// <exception cref="PackageException">Names the file at fault.</exception>
    internal static LoadedGraph Load(string directory, RunnerOptions options)
    {
        var (path, config) = (Path.Combine(directory, GraphFiles.Graph), GraphConfig.Read(directory));
        return new LoadedGraph(path, config, new PlainGraph(path, config, options));
    }

    /// <remarks>With zeros, and with size 1 where any size is allowed; a graph that refuses these learns its costs from requests.</remarks>
    internal override IReadOnlyList<int> WarmUp()
    {
        List<int> runs = [];
        for (var rows = 1; TryRun(rows); rows = Math.Min(rows * 2, _graph.MaxBatchSize))
        {
            runs.Add(rows);
            if (rows == _graph.MaxBatchSize)
                break;
        }

        return runs;
    }

    internal override void Start(BatcherOptions options, RunGate gate, TimeProvider clock, VersionMetrics metrics, ILogger log)
    {
        _version = metrics.Name;
        var own = options with { QueueCapacity = _config.MaxQueueSize ?? options.QueueCapacity, MaxQueueDelay = Signature.MaxQueueDelay };
        _batcher = new([.. Enumerable.Repeat(_graph, Signature.Instances)], own, Cost, gate, clock, metrics, log);
    }

    internal override async Task<RowTimings> InferAsync(
        TensorRow row, TensorResponse response, DateTimeOffset deadline, RequestPriority priority, CancellationToken cancellationToken)
    {
        using var result = await _batcher!.RunAsync(new RowRequest<TensorRow>(row, WantsLogits: false, deadline, priority, row.Request.ShedOnce), cancellationToken);
        try
        {
            result.Output.CopyRow(result.Place, response, row.Index);
            return result.Timings;
        }
        catch (InvalidOperationException e)
        {
            throw new ModelRunException(_version, e); // rows in different shapes make no tensor
        }
    }

    internal override int MostWaiting(long rowBytes) => _batcher!.MostWaiting(rowBytes);

    internal override TimeSpan? FullFor => _batcher!.FullFor;

    public override async ValueTask DisposeAsync()
    {
        await _batcher!.DisposeAsync();
        _graph.Dispose();
    }

    internal override void DisposeUnstarted() => _graph.Dispose();

    private bool TryRun(int rows)
    {
        var request = new TensorRequest(Signature, [.. Signature.Inputs.Select(spec => Zeros(spec, rows))], []);
        var batch = Enumerable.Range(0, request.Rows).Select(i => new TensorRow(request, i)).ToArray();
        try
        {
            Run(batch);
            Cost.Calibrate(rows, request.Cells, Time(() => Run(batch)));
            return true;
        }
        catch (InvalidOperationException e)
        {
            throw new PackageException(_path, $"cannot be served: {e.Message}", e);
        }
        catch (Microsoft.ML.OnnxRuntime.OnnxRuntimeException e)
        {
            _leftCold = $"{rows} rows of zeros: {e.Message}";
            return false; // it may well compute what is asked of it
        }
    }

    private TimeSpan Run(TensorRow[] batch)
    {
        var output = _graph.Reserve();
        try
        {
            return _graph.Run(output, batch, 0, TimeProvider.System).Total;
        }
        finally
        {
            output.Release();
        }
    }

    private TensorData Zeros(TensorSpec spec, int rows)
    {
        long[] shape = [.. spec.Shape.Select((size, i) => i == 0 && Signature.IsBatched ? rows : Math.Max(1, size))];
        var bytes = shape.Aggregate((double)Math.Max(1, TensorData.SizeOf(spec.Type)), (product, size) => product * size);
        if (bytes > Array.MaxLength)
        {
            var bound = Signature.IsBatched ? $"; \"max_batch_size\" in {GraphFiles.Config} bounds the rows" : "";
            throw new PackageException(_path, $"cannot be served: the input \"{spec.Name}\" of shape {TensorRequest.Text(shape)} is larger than the 2 GB that a tensor can have{bound}");
        }

        var elements = (int)shape.Aggregate(1L, (product, size) => product * size);
        return spec.Type == TensorElementType.String
            ? new TensorData(spec.Name, spec.Type, shape, default, Enumerable.Repeat(ReadOnlyMemory<byte>.Empty, elements).ToArray())
            : new TensorData(spec.Name, spec.Type, shape, new byte[elements * TensorData.SizeOf(spec.Type)]);
    }
}
