using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>Slates of 0, 10 and 110 from large nuclei: what one more draw costs.</summary>
public class DrawBenchmark : ICyclicBenchmark
{
    private readonly SlateSlot[] _slots = new SlateSlot[110];
    private RowSet _rows = null!;
    private ulong _seed;

    /// <inheritdoc/>
    int ICyclicBenchmark.Cycle => _rows.Rows.Count;

    /// <summary>Size N of the catalogue.</summary>
    [Params(100_000)]
    public int Items { get; set; }

    /// <summary>The kind of the rows: those whose nuclei have more than ten thousand items.</summary>
    [Params("gauss1", "uniform", "zipf1.1", "mixture", "mix-bf16")]
    public string Row { get; set; } = "";

    /// <summary>Makes the rows, and checks the answers.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rows = RowSet.Of(Row, Items);
        Answer.CheckOnce((_rows, _slots.Length), () => Answer.CheckSampler(_rows, new SamplingParameters(), _slots));
    }

    /// <summary>No draw.</summary>
    [Benchmark(Baseline = true)]
    public int Find() => Sample(0);

    /// <summary>10 draws.</summary>
    [Benchmark]
    public int FindAndDraw() => Sample(10);

    /// <summary>110 draws.</summary>
    [Benchmark]
    public int FindAndDraw110() => Sample(110);

    private int Sample(int count) =>
        NucleusSampler.Sample(_rows.Next(), mask: null, new SamplingParameters { Seed = _seed++ }, _slots.AsSpan(0, count)).NucleusSize;
}
