using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>Finding a nucleus, and drawing a slate of 10 from it, beside what the row costs to read and to sum the exponentials of.</summary>
public class NucleusBenchmark : ICyclicBenchmark
{
    private readonly SlateSlot[] _slots = new SlateSlot[10];
    private RowSet _rows = null!;
    private ulong _seed;

    /// <inheritdoc/>
    int ICyclicBenchmark.Cycle => _rows.Rows.Count;

    /// <summary>Size N of the catalogue.</summary>
    [Params(10_000, 100_000, 1_000_000)]
    public int Items { get; set; }

    /// <summary>The kind of the rows.</summary>
    [ParamsSource(typeof(RowKinds), nameof(RowKinds.All))]
    public string Row { get; set; } = "";

    /// <summary>Mass of the nucleus.</summary>
    [Params(0.5, 0.9, 0.99)]
    public double TopP { get; set; }

    /// <summary>Makes the rows, and checks the answers.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rows = RowSet.Of(Row, Items);
        Answer.CheckOnce((_rows, "floors"), () => Answer.CheckFloors(_rows));
        Answer.CheckOnce((_rows, TopP), () => Answer.CheckSampler(_rows, new SamplingParameters { TopP = TopP }, _slots));
    }

    /// <summary>The floor where every weight is needed.</summary>
    [Benchmark(Baseline = true)]
    public double ExpSum() => Sampling.ExpSum.Of(_rows.Next(), 0);

    /// <summary>The floor of all that reads the row.</summary>
    [Benchmark]
    public float Read() => PlainRead.Of(_rows.Next());

    /// <summary>The sampler that serves, asked for no slot.</summary>
    [Benchmark]
    public int Find() => Sample(_slots.AsSpan(0, 0));

    /// <summary>The sampler that serves, asked for ten.</summary>
    [Benchmark]
    public int FindAndDraw() => Sample(_slots);

    private int Sample(Span<SlateSlot> slots) =>
        NucleusSampler.Sample(_rows.Next(), mask: null, new SamplingParameters { TopP = TopP, Seed = _seed++ }, slots).NucleusSize;
}
