using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Inference;

/// <summary>
/// Runs the two graphs of one model version on batches: encoder (history and context → user state), then scorer (user
/// state → logits) on the leading rows that want logits. Input memory is allocated once. One caller at a time; several runners may
/// share the graphs.
/// </summary>
public sealed class ModelRunner : IBatchRunner<EncoderInput, BatchOutput>, IDisposable
{
    private readonly ModelGraphs _graphs;
    private readonly bool _ownsGraphs;
    private readonly ModelManifest _manifest;
    private readonly NativeBuffer<int> _items;
    private readonly NativeBuffer<int> _lengths;
    private readonly NativeBuffer<int> _gaps;
    private readonly NativeBuffer<int> _historyContext;
    private readonly NativeBuffer<int> _context;

    /// <summary>Reads the item matrix and creates the sessions, which both use it in place.</summary>
    /// <param name="package">The opened package.</param>
    /// <param name="options">Batch size, threads, device.</param>
    /// <exception cref="PackageException">Names the graph that ONNX Runtime refuses, or whose inputs and outputs are not those of the format.</exception>
    public ModelRunner(ModelPackage package, RunnerOptions options)
        : this(new ModelGraphs(package, options)) => _ownsGraphs = true;

    /// <summary>A runner with memory of its own on graphs that it shares, and that must outlive it.</summary>
    internal ModelRunner(ModelGraphs graphs)
    {
        (_graphs, _manifest) = (graphs, graphs.Manifest);
        _items = new NativeBuffer<int>((long)MaxBatchSize * (_manifest.MaxHistory + 1));
        _lengths = new NativeBuffer<int>(MaxBatchSize);
        _gaps = new NativeBuffer<int>(_manifest.TimeGaps ? (long)MaxBatchSize * (_manifest.MaxHistory + 1) : 0);
        _historyContext = new NativeBuffer<int>(_manifest.HistoryContext ? (long)MaxBatchSize * (_manifest.MaxHistory + 1) * _manifest.ContextFields.Count : 0);
        _context = new NativeBuffer<int>((long)MaxBatchSize * _manifest.ContextFields.Count);
    }

    /// <summary>The item matrix, valid until the graphs are disposed.</summary>
    public ItemMatrix Matrix => _graphs.Matrix;

    /// <inheritdoc/>
    public int MaxBatchSize => _graphs.MaxBatchSize;

    /// <inheritdoc/>
    BatchOutput IBatchRunner<EncoderInput, BatchOutput>.Reserve() => _graphs.Reserve();

    /// <inheritdoc/>
    BatchOutput? IBatchRunner<EncoderInput, BatchOutput>.TryReserve() => _graphs.TryReserve();

    /// <inheritdoc/>
    BatchRun IBatchRunner<EncoderInput, BatchOutput>.Run(BatchOutput output, ReadOnlySpan<EncoderInput> rows, int logitRows, TimeProvider clock)
    {
        var start = clock.GetTimestamp();
        var length = FillInputs(rows);
        Encode(rows.Length, length, output);
        var encoded = clock.GetTimestamp();
        if (logitRows > 0)
            _graphs.Score(output.States(logitRows), output.Logits(logitRows));
        return new BatchRun(clock.GetElapsedTime(start, encoded), clock.GetElapsedTime(encoded));
    }

    /// <summary>Runs one batch outside the batcher, and has its output read before others write it.</summary>
    /// <param name="rows">1…<see cref="MaxBatchSize"/> rows.</param>
    /// <param name="logitRows">How many of them, from the first, want logits.</param>
    /// <param name="read">Reads the output; told what the run took.</param>
    internal T Run<T>(ReadOnlySpan<EncoderInput> rows, int logitRows, Func<BatchOutput, BatchRun, T> read)
    {
        IBatchRunner<EncoderInput, BatchOutput> runner = this;
        var output = runner.Reserve();
        try
        {
            return read(output, runner.Run(output, rows, logitRows, TimeProvider.System));
        }
        finally
        {
            output.Release();
        }
    }

    /// <summary>
    /// The logits of some rows, row-major [rows, N + 1] in a new array, column 0 being −∞. For checks and offline
    /// evaluation; serving goes through the batcher.
    /// </summary>
    /// <param name="rows">1…<see cref="MaxBatchSize"/> rows.</param>
    public float[] Logits(params ReadOnlySpan<EncoderInput> rows)
    {
        var (count, columns) = (rows.Length, _manifest.ItemCount + 1);
        return Run(rows, count, (output, _) =>
        {
            var logits = new float[count * columns];
            for (var r = 0; r < count; r++)
                output.LogitsOf(r).CopyTo(logits.AsSpan(r * columns));
            return logits;
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsGraphs)
            _graphs.Dispose();
        _items.Dispose();
        _lengths.Dispose();
        _gaps.Dispose();
        _historyContext.Dispose();
        _context.Dispose();
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
            if (_manifest.TimeGaps)
                FillWatches(rows[r].Gaps.Span, _gaps.Slice((long)r * length, length), 1);
            if (_manifest.HistoryContext)
                FillWatches(rows[r].HistoryContext.Span, _historyContext.Slice((long)r * length * fields, length * fields), fields);
            rows[r].Context.Span.CopyTo(_context.Slice((long)r * fields, fields));
        }

        return length;
    }

    /// <summary>Writes what is known of each watch, so many cells each, after the start marker's.</summary>
    private static void FillWatches(ReadOnlySpan<int> codes, Span<int> cells, int width)
    {
        cells.Clear();
        codes.CopyTo(cells[width..]);
    }

    private void Encode(int rows, int length, BatchOutput output)
    {
        using var items = _items.AsTensor(TensorElementType.Int32, rows, length);
        using var lengths = _lengths.AsTensor(TensorElementType.Int32, rows);
        using var gaps = _manifest.TimeGaps ? _gaps.AsTensor(TensorElementType.Int32, rows, length) : null;
        var fields = _manifest.ContextFields.Count;
        using var watched = _manifest.HistoryContext ? _historyContext.AsTensor(TensorElementType.Int32, rows, length, fields) : null;
        using var context = fields > 0 ? _context.AsTensor(TensorElementType.Int32, rows, fields) : null;
        OrtValue?[] inputs = [items, lengths, gaps, watched, context];
        _graphs.Encode(Array.FindAll(inputs, static input => input is not null)!, output.States(rows));
    }
}
