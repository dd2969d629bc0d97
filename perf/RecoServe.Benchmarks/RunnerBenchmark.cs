using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Testing;

namespace RecoServe.Benchmarks;

/// <summary>
/// Encoder and scorer for one batch with the longest histories the model reads: the bundled model, or, where there is none,
/// a sum of item rows over 10,000 items. One native thread.
/// </summary>
[MemoryDiagnoser]
public class RunnerBenchmark : IDisposable
{
    private TemporaryDirectory? _temporary;
    private ItemMatrix? _matrix;
    private ModelRunner? _runner;
    private EncoderInput[] _batch = [];

    /// <summary>Rows in the batch.</summary>
    [Params(1, 16)]
    public int Rows { get; set; }

    /// <summary>Loads the model, and checks the golden probe and that a row does not depend on its batch.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var package = ModelPackage.Open(NewestBundled() ?? PublishTestModel());
        _matrix = ItemMatrix.Load(package);
        _runner = new ModelRunner(package, _matrix, new RunnerOptions { MaxBatchSize = Rows, IntraOpThreads = 1 });
        ProbeCheck.Run(package, _runner);
        _batch = RandomBatch(package.Manifest, Rows);
        var alone = Array.ConvertAll(_batch, _runner.Logits);
        var run = _runner.Run(_batch, Rows, TimeProvider.System);
        for (var row = 0; row < Rows; row++)
        {
            for (var item = 1; item < alone[row].Length; item++)
            {
                if (!(Math.Abs(alone[row][item] - run.Output.LogitsOf(row)[item]) <= package.Probe.Tolerance))
                    throw new InvalidOperationException($"row {row}, item {item}: {alone[row][item]} alone, {run.Output.LogitsOf(row)[item]} in a batch of {Rows}");
            }
        }

        run.Release(Rows);
    }

    /// <summary>Encoder, then scorer for every row.</summary>
    [Benchmark]
    public void EncodeAndScore() => _runner!.Run(_batch, Rows, TimeProvider.System).Release(Rows);

    /// <summary>The encoder alone, as for scoring single candidates.</summary>
    [Benchmark]
    public void Encode() => _runner!.Run(_batch, 0, TimeProvider.System).Release(Rows);

    /// <summary>Frees the model.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _runner?.Dispose();
        _matrix?.Dispose();
        _temporary?.Dispose();
        GC.SuppressFinalize(this);
    }

    private static string? NewestBundled()
    {
        var model = RepositoryRoot.File("models", "video-to-video");
        return !Directory.Exists(model) ? null : PackageWriter.Versions(model).OrderDescending()
            .Select(v => Path.Combine(model, $"{v}")).FirstOrDefault(ModelPackage.IsComplete);
    }

    private static EncoderInput[] RandomBatch(ModelManifest manifest, int rows)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, rows).Select(_ => new EncoderInput(
            Enumerable.Range(0, manifest.MaxHistory).Select(_ => random.Next(1, manifest.ItemCount + 1)).ToArray(),
            manifest.ContextFields.Select(f => random.Next(f.Values.Count + 1)).ToArray()))];
    }

    private string PublishTestModel()
    {
        _temporary = new TemporaryDirectory();
        return new TestModel { ItemCount = 10_000, Dimension = 64, MaxHistory = 50 }.Publish(_temporary.Path);
    }
}
