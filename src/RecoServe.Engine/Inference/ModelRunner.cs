using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Inference;

/// <summary>
/// Runs the two graphs of one model version on batches: encoder (history and context → user state), then scorer (user
/// state → logits) on the leading rows that want logits. Input and output memory is allocated once. One caller at a time.
/// </summary>
public sealed class ModelRunner : IDisposable
{
    /// <summary>One being computed, one being read by its requests, and slack for slow readers: past that, computing waits for reading.</summary>
    private const int MaxOutputs = 4;

    private static readonly string[] StateName = [PackageFiles.State];
    private static readonly string[] LogitsName = [PackageFiles.Logits];

    private readonly ModelManifest _manifest;
    private readonly OrtValue _rowsTensor;
    private readonly OrtValue _biasTensor;
    private readonly SessionOptions _options;
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _scorer;
    private readonly RunOptions _run = new();
    private readonly string[] _inputNames;
    private readonly NativeBuffer<int> _items;
    private readonly NativeBuffer<int> _lengths;
    private readonly NativeBuffer<int> _context;
    private readonly ConcurrentBag<BatchOutput> _free = [];
    private readonly SemaphoreSlim _outputs = new(MaxOutputs);

    /// <summary>Reads the item matrix and creates the sessions, which both use it in place.</summary>
    /// <param name="package">The opened package.</param>
    /// <param name="options">Batch size, threads, device.</param>
    /// <exception cref="PackageException">Names the graph that ONNX Runtime refuses, or whose inputs and outputs are not those of the format.</exception>
    public ModelRunner(ModelPackage package, RunnerOptions options)
    {
        _manifest = package.Manifest;
        var columns = _manifest.ItemCount + 1;
        MaxBatchSize = (int)Math.Clamp(options.MaxBatchBytes / (sizeof(float) * (long)columns), 1, options.MaxBatchSize);
        _inputNames = _manifest.ContextFields.Count == 0
            ? [PackageFiles.ItemsInput, PackageFiles.LengthsInput]
            : [PackageFiles.ItemsInput, PackageFiles.LengthsInput, PackageFiles.ContextInput];
        Matrix = ItemMatrix.Load(package);
        (_rowsTensor, _biasTensor) = (Matrix.RowsTensor(), Matrix.BiasTensor());
        _items = new NativeBuffer<int>((long)MaxBatchSize * (_manifest.MaxHistory + 1));
        _lengths = new NativeBuffer<int>(MaxBatchSize);
        _context = new NativeBuffer<int>((long)MaxBatchSize * _manifest.ContextFields.Count);
        _options = CreateSessionOptions(options);
        _options.AddInitializer(PackageFiles.ItemMatrixInitializer, _rowsTensor);
        _options.AddInitializer(PackageFiles.ItemBiasInitializer, _biasTensor);
        try
        {
            _encoder = Open(package, PackageFiles.Encoder, _inputNames, StateName);
            _scorer = Open(package, PackageFiles.Scorer, StateName, LogitsName);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The item matrix, valid until the runner is disposed.</summary>
    public ItemMatrix Matrix { get; }

    /// <summary>Most rows of one run.</summary>
    public int MaxBatchSize { get; }

    /// <summary>
    /// Runs one batch. The output's states of all rows, and its logits of the first <paramref name="logitRows"/>, are
    /// valid until it is released.
    /// </summary>
    /// <param name="rows">1…<see cref="MaxBatchSize"/> rows; those that want logits come first.</param>
    /// <param name="logitRows">How many want logits, 0…rows.</param>
    /// <param name="clock">Measures the two phases.</param>
    /// <exception cref="OnnxRuntimeException">The native run failed; the runner stays usable.</exception>
    internal BatchRun Run(ReadOnlySpan<EncoderInput> rows, int logitRows, TimeProvider clock)
    {
        var output = TakeOutput();
        try
        {
            var start = clock.GetTimestamp();
            var length = FillInputs(rows);
            Encode(rows.Length, length, output);
            var encoded = clock.GetTimestamp();
            if (logitRows > 0)
                _scorer.Run(_run, StateName, [output.States(logitRows)], LogitsName, [output.Logits(logitRows)]);
            output.HoldFor(rows.Length);
            return new BatchRun(output, clock.GetElapsedTime(start, encoded), clock.GetElapsedTime(encoded));
        }
        catch
        {
            GiveBack(output);
            throw;
        }
    }

    /// <summary>
    /// The logits of some rows, row-major [rows, N + 1] in a new array, column 0 being −∞. For checks and offline
    /// evaluation; serving goes through the batcher.
    /// </summary>
    /// <param name="rows">1…<see cref="MaxBatchSize"/> rows.</param>
    public float[] Logits(params ReadOnlySpan<EncoderInput> rows)
    {
        var run = Run(rows, rows.Length, TimeProvider.System);
        var logits = new float[rows.Length * (_manifest.ItemCount + 1)];
        for (var r = 0; r < rows.Length; r++)
            run.Output.LogitsOf(r).CopyTo(logits.AsSpan(r * (_manifest.ItemCount + 1)));
        run.Release(rows.Length);
        return logits;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder?.Dispose();
        _scorer?.Dispose();
        _options.Dispose();
        _run.Dispose();
        _rowsTensor.Dispose();
        _biasTensor.Dispose();
        _items.Dispose();
        _lengths.Dispose();
        _context.Dispose();
        while (_free.TryTake(out var output))
            output.Dispose();
        _outputs.Dispose();
        Matrix.Dispose();
    }

    private static SessionOptions CreateSessionOptions(RunnerOptions options)
    {
        var session = new SessionOptions
        {
            IntraOpNumThreads = options.IntraOpThreads > 0 ? options.IntraOpThreads : Math.Max(1, Environment.ProcessorCount / 2),
            InterOpNumThreads = 1,
            // Histories differ in length: a memory plan for each shape would only grow.
            EnableMemoryPattern = false,
            // Errors come as exceptions, which are logged with the version's name.
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        // Spinning would burn a core that answers requests.
        session.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        if (options.Device == "cuda")
            session.AppendExecutionProvider_CUDA();
        return session;
    }

    private InferenceSession Open(ModelPackage package, string file, string[] inputs, string[] outputs)
    {
        var path = package.PathOf(file);
        InferenceSession session;
        try
        {
            session = new InferenceSession(path, _options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new PackageException(path, $"is refused by ONNX Runtime: {e.Message}", e);
        }

        if (!session.InputNames.ToHashSet().SetEquals(inputs) || !session.OutputNames.ToHashSet().SetEquals(outputs))
        {
            var found = $"[{string.Join(", ", session.InputNames)}] → [{string.Join(", ", session.OutputNames)}]";
            session.Dispose();
            throw new PackageException(path, $"computes {found}; the format asks for [{string.Join(", ", inputs)}] → [{string.Join(", ", outputs)}]");
        }

        return session;
    }

    private BatchOutput TakeOutput()
    {
        _outputs.Wait();
        return _free.TryTake(out var free) ? free : new BatchOutput(MaxBatchSize, _manifest.Dimension, _manifest.ItemCount + 1, GiveBack);
    }

    private void GiveBack(BatchOutput output)
    {
        _free.Add(output);
        _outputs.Release();
    }

    /// <summary>Writes the input tensors; returns the padded length, the start marker included.</summary>
    private int FillInputs(ReadOnlySpan<EncoderInput> rows)
    {
        var length = 1;
        foreach (var row in rows)
            length = Math.Max(length, row.History.Length + 1);
        var fields = _manifest.ContextFields.Count;
        for (var r = 0; r < rows.Length; r++)
        {
            var history = rows[r].History.Span;
            var cells = _items.Slice((long)r * length, length);
            cells[0] = 0;
            history.CopyTo(cells[1..]);
            cells[(history.Length + 1)..].Clear();
            _lengths.Slice(r, 1)[0] = history.Length + 1;
            rows[r].Context.Span.CopyTo(_context.Slice((long)r * fields, fields));
        }

        return length;
    }

    private void Encode(int rows, int length, BatchOutput output)
    {
        using var items = _items.AsTensor(TensorElementType.Int32, rows, length);
        using var lengths = _lengths.AsTensor(TensorElementType.Int32, rows);
        using var context = _context.AsTensor(TensorElementType.Int32, rows, _manifest.ContextFields.Count);
        OrtValue[] inputs = _inputNames.Length == 2 ? [items, lengths] : [items, lengths, context];
        _encoder.Run(_run, _inputNames, inputs, StateName, [output.States(rows)]);
    }
}
