using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>A batch of 64 rows, a slate of 10 each, on one thread and on two.</summary>
public class BatchBenchmark : ICyclicBenchmark
{
    private const int SlateLength = 10;

    private BatchRow[] _rows = [];
    private RowOutcome[] _outcomes = [];
    private SlateSlot[] _slots = [];

    /// <inheritdoc/>
    int ICyclicBenchmark.Cycle => 1;

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
        var rows = RowSet.Of(Row, Items).Rows;
        _slots = new SlateSlot[rows.Count * SlateLength];
        _outcomes = new RowOutcome[rows.Count];
        _rows = [.. rows.Select((row, i) => new BatchRow(
            row, Mask: null, new SamplingParameters { Seed = (ulong)i }, _slots.AsMemory(i * SlateLength, SlateLength)))];
        OneThread();
        var slots = _slots.ToArray();
        _slots.AsSpan().Clear();
        TwoThreads();
        Answer.Require(slots.SequenceEqual(_slots), "two threads give other slates than one");
    }

    /// <summary>One thread.</summary>
    [Benchmark(Baseline = true)]
    public void OneThread() => BatchSampler.Sample(_rows, _outcomes, degreeOfParallelism: 1);

    /// <summary>Two threads.</summary>
    [Benchmark]
    public void TwoThreads() => BatchSampler.Sample(_rows, _outcomes, degreeOfParallelism: 2);
}
