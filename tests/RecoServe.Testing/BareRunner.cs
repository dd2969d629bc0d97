using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;

namespace RecoServe.Testing;

/// <summary>A package's graphs with neither batcher nor server around them, for baselines: the logits stay where the runner writes them.</summary>
public sealed class BareRunner(ModelPackage package, RunnerOptions options) : IDisposable
{
    private readonly ModelRunner _runner = new(package, options);

    /// <summary>Most rows of one run.</summary>
    public int MaxBatchSize => _runner.MaxBatchSize;

    /// <summary>Encodes and scores every row.</summary>
    public void Run(ReadOnlySpan<EncoderInput> rows) => _runner.Run(rows, rows.Length, static (_, run) => run);

    /// <inheritdoc cref="ModelRunner.Logits"/>
    public float[] Logits(EncoderInput row) => _runner.Logits(row);

    public void Dispose() => _runner.Dispose();
}
