using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>A batch of 64 rows, a slate of 10 each, on one thread and on two.</summary>
public class BatchBenchmark
{
    private const int SlateLength = 10;

    private RowSet _rows = null!;
    private SlateSlot[] _slots = [];

    /// <summary>Size N of the catalogue.</summary>
    [Params(100_000)]
    public int Items { get; set; }

    /// <summary>The kind of the rows.</summary>
    [Params("gauss1", "zipf1.1", "gauss6")]
    public string Row { get; set; } = "";

    /// <summary>Makes the rows, and checks that both ways give the same slates.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rows = RowSet.Of(Row, Items);
        _slots = new SlateSlot[_rows.Rows.Count * SlateLength];
        OneThread();
        var slots = _slots.ToArray();
        _slots.AsSpan().Clear();
        TwoThreads();
        Answer.Require(slots.SequenceEqual(_slots), "two threads give other slates than one");
    }

    /// <summary>One thread.</summary>
    [Benchmark(Baseline = true)]
    public void OneThread()
    {
        for (var row = 0; row < _rows.Rows.Count; row++)
            Sample(row);
    }

    /// <summary>Two threads.</summary>
    [Benchmark]
    public void TwoThreads() => Parallel.For(0, _rows.Rows.Count, new ParallelOptions { MaxDegreeOfParallelism = 2 }, Sample);

    private void Sample(int row) => NucleusSampler.Sample(
        _rows.Rows[row], mask: null, new SamplingParameters { Seed = (ulong)row }, _slots.AsSpan(row * SlateLength, SlateLength));
}
