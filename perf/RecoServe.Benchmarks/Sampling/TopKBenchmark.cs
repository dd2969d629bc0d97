using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>A slate of 10 from the nucleus of the hundred most probable items, whose floor is to read the row.</summary>
public class TopKBenchmark : ICyclicBenchmark
{
    private static readonly SamplingParameters TopHundred = new() { TopP = 0.9, TopK = 100 };

    private readonly SlateSlot[] _slots = new SlateSlot[10];
    private RowSet _rows = null!;
    private ulong _seed;

    /// <inheritdoc/>
    int ICyclicBenchmark.Cycle => _rows.Rows.Count;

    /// <summary>Size N of the catalogue.</summary>
    [Params(100_000, 1_000_000)]
    public int Items { get; set; }

    /// <summary>The kind of the rows.</summary>
    [ParamsSource(typeof(RowKinds), nameof(RowKinds.All))]
    public string Row { get; set; } = "";

    /// <summary>Makes the rows, and checks the answers.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rows = RowSet.Of(Row, Items);
        Answer.CheckOnce((_rows, TopHundred), () => Answer.CheckSampler(_rows, TopHundred, _slots));
    }

    /// <summary>The floor.</summary>
    [Benchmark(Baseline = true)]
    public float Read() => PlainRead.Of(_rows.Next());

    /// <summary>The sampler that serves.</summary>
    [Benchmark]
    public int FindAndDraw() => NucleusSampler.Sample(_rows.Next(), mask: null, TopHundred with { Seed = _seed++ }, _slots).NucleusSize;
}
