using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Inference;

/// <summary>
/// The native sessions of a model version, the item matrix that both read in place, and the memory they write. Safe for several
/// callers at a time.
/// </summary>
internal sealed class ModelGraphs : IDisposable
{
    private static readonly string[] StateName = [PackageFiles.State];
    private static readonly string[] LogitsName = [PackageFiles.Logits];

    private readonly OrtValue _rowsTensor;
    private readonly OrtValue _biasTensor;
    private readonly SessionOptions _options;
    private readonly InferenceSession _encoder;
    private readonly InferenceSession _scorer;
    private readonly RunOptions _run = new();
    private readonly string[] _inputNames;
    private readonly ConcurrentBag<BatchOutput> _free = [];
    private readonly SemaphoreSlim _outputs;

    /// <exception cref="PackageException">Names the graph that ONNX Runtime refuses, or whose inputs and outputs are not those of the format.</exception>
    internal ModelGraphs(ModelPackage package, RunnerOptions options)
    {
        Manifest = package.Manifest;
        MaxBatchSize = options.BatchSizeFor(Manifest.ItemCount);
        _outputs = new SemaphoreSlim(options.OutputsFor(Manifest.ItemCount));
        string[] gaps = Manifest.TimeGaps ? [PackageFiles.GapsInput] : [];
        string[] watched = Manifest.HistoryContext ? [PackageFiles.HistoryContextInput] : [];
        string[] context = Manifest.ContextFields.Count > 0 ? [PackageFiles.ContextInput] : [];
        _inputNames = [PackageFiles.ItemsInput, PackageFiles.LengthsInput, .. gaps, .. watched, .. context];
        _options = Sessions.CreateOptions(options);
        try
        {
            Matrix = ItemMatrix.Load(package);
            (_rowsTensor, _biasTensor) = (Matrix.RowsTensor(), Matrix.BiasTensor());
            _options.AddInitializer(PackageFiles.ItemMatrixInitializer, _rowsTensor);
            _options.AddInitializer(PackageFiles.ItemBiasInitializer, _biasTensor);
            _encoder = Open(package, PackageFiles.Encoder, _inputNames, StateName);
            _scorer = Open(package, PackageFiles.Scorer, StateName, LogitsName);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal ModelManifest Manifest { get; }

    /// <summary>Most rows of one run.</summary>
    internal int MaxBatchSize { get; }

    /// <summary>Valid until the graphs are disposed.</summary>
    internal ItemMatrix Matrix { get; }

    /// <inheritdoc cref="IBatchRunner{TInput, TOutput}.Reserve"/>
    internal BatchOutput Reserve()
    {
        _outputs.Wait();
        return TakeOutput();
    }

    /// <inheritdoc cref="IBatchRunner{TInput, TOutput}.TryReserve"/>
    internal BatchOutput? TryReserve() => _outputs.Wait(0) ? TakeOutput() : null;

    /// <summary>Runs the encoder.</summary>
    /// <exception cref="OnnxRuntimeException">The native run failed; the graphs stay usable.</exception>
    internal void Encode(OrtValue[] inputs, OrtValue states) => _encoder.Run(_run, _inputNames, inputs, StateName, [states]);

    /// <summary>Runs the scorer.</summary>
    /// <exception cref="OnnxRuntimeException">The native run failed; the graphs stay usable.</exception>
    internal void Score(OrtValue states, OrtValue logits) => _scorer.Run(_run, StateName, [states], LogitsName, [logits]);

    public void Dispose()
    {
        _encoder?.Dispose();
        _scorer?.Dispose();
        _options.Dispose();
        _run.Dispose();
        _rowsTensor?.Dispose();
        _biasTensor?.Dispose();
        Matrix?.Dispose();
        while (_free.TryTake(out var output))
            output.Dispose();
        _outputs.Dispose();
    }

    private BatchOutput TakeOutput()
    {
        if (!_free.TryTake(out var output))
            output = new BatchOutput(MaxBatchSize, Manifest.Dimension, Manifest.ItemCount + 1, GiveBack);
        output.HoldFor(1);
        return output;
    }

    private void GiveBack(BatchOutput output)
    {
        _free.Add(output);
        _outputs.Release();
    }

    private InferenceSession Open(ModelPackage package, string file, string[] inputs, string[] outputs)
    {
        var path = package.PathOf(file);
        var session = Sessions.Open(path, _options);
        if (!session.InputNames.ToHashSet().SetEquals(inputs) || !session.OutputNames.ToHashSet().SetEquals(outputs))
        {
            var found = $"[{string.Join(", ", session.InputNames)}] → [{string.Join(", ", session.OutputNames)}]";
            session.Dispose();
            throw new PackageException(path, $"computes {found}; the format asks for [{string.Join(", ", inputs)}] → [{string.Join(", ", outputs)}]");
        }

        return session;
    }
}
