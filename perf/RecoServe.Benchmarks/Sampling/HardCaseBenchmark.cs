using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>The cases that are made to be slow, beside the exponential sum of the same rows.</summary>
public class HardCaseBenchmark : ICyclicBenchmark
{
    private RowSet _rows = null!;
    private SlateSlot[] _slots = [];
    private ulong _seed;

    /// <inheritdoc/>
    int ICyclicBenchmark.Cycle => _rows.Rows.Count;

    /// <summary>Size N of the catalogue.</summary>
    [Params(1_000_000)]
    public int Items { get; set; }

    /// <summary>The case.</summary>
    [ParamsSource(typeof(HardCase), nameof(HardCase.All))]
    public HardCase Case { get; set; } = null!;

    /// <summary>Makes the rows, and checks the answers.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rows = RowSet.Of(Case.Row, Items);
        _slots = new SlateSlot[Case.Slots];
        Answer.CheckOnce(Case, Check);
    }

    private void Check()
    {
        if (Case.Throws)
            Answer.Require(_rows.Rows.All(_ => FindAndDraw() == -1), "a row with a NaN gives a slate");
        else
            Answer.CheckSampler(_rows, Case.Parameters, _slots);
    }

    /// <summary>The floor.</summary>
    [Benchmark(Baseline = true)]
    public double ExpSum() => Sampling.ExpSum.Of(_rows.Next(), 0);

    /// <summary>The sampler that serves; the time of throwing and catching its exception included.</summary>
    [Benchmark]
    public int FindAndDraw()
    {
        try
        {
            return NucleusSampler.Sample(_rows.Next(), mask: null, Case.Parameters with { Seed = _seed++ }, _slots).NucleusSize;
        }
        catch (InvalidLogitsException)
        {
            return -1;
        }
    }
}
