using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Testing;

namespace RecoServe.Benchmarks;

/// <summary>Encoder and scorer of the bundled model for one batch with the longest histories it reads, on one native thread.</summary>
[MemoryDiagnoser]
public class RunnerBenchmark : IDisposable
{
    private ModelRunner? _runner;
    private EncoderInput[] _batch = [];

    /// <summary>Rows in the batch.</summary>
    [Params(1, 16)]
    public int Rows { get; set; }

    /// <summary>Loads the model, and checks the golden probe and that a row does not depend on its batch.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var package = ModelPackage.Open(RepositoryRoot.File("models", "video-to-video", "1"));
        _runner = new ModelRunner(package, new RunnerOptions { MaxBatchSize = Rows, Threads = 1 });
        ProbeCheck.Run(package, _runner);
        _batch = RandomBatch(package.Manifest, Rows);
        var together = _runner.Logits(_batch);
        var alone = _batch.SelectMany(row => _runner.Logits(row)).ToArray();
        for (var i = 0; i < alone.Length; i++)
        {
            if (!(alone[i] == together[i] || Math.Abs(alone[i] - together[i]) <= package.Probe.Tolerance))
                throw new InvalidOperationException($"logit {i} is {alone[i]} alone, {together[i]} in a batch of {Rows}");
        }
    }

    /// <summary>Encoder, then scorer for every row.</summary>
    [Benchmark]
    public void EncodeAndScore() => _runner!.Run(_batch, Rows, static (_, run) => run);

    /// <summary>The encoder alone, as for scoring single candidates.</summary>
    [Benchmark]
    public void Encode() => _runner!.Run(_batch, logitRows: 0, static (_, run) => run);

    /// <summary>Frees the model.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _runner?.Dispose();
        GC.SuppressFinalize(this);
    }

    private static EncoderInput[] RandomBatch(ModelManifest manifest, int rows)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, rows).Select(_ => new EncoderInput(
            Enumerable.Range(0, manifest.MaxHistory).Select(_ => random.Next(1, manifest.ItemCount + 1)).ToArray(),
            manifest.ContextFields.Select(f => random.Next(f.Values.Count + 1)).ToArray()))];
    }
}
