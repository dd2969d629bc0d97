using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks;

/// <summary>
/// One slate of 10 from the nucleus of p = 0.9, one row a call, the rows in turn so that no branch predictor learns them.
/// Between two other ways in the same run: the least that any softmax costs, and sorting the catalogue.
/// </summary>
[MemoryDiagnoser]
public class SamplerBenchmark
{
    private const double TopP = 0.9;
    private const int RowCount = 8;

    private readonly SlateSlot[] _slots = new SlateSlot[10];
    private float[][] _rows = [];
    private float[] _weights = [];
    private FullSort _fullSort = new(0);
    private int _calls;

    /// <summary>Size N of the catalogue.</summary>
    [Params(10_000, 100_000, 1_000_000)]
    public int Items { get; set; }

    /// <summary>Shape of the rows.</summary>
    [Params("zipf", "gaussian")]
    public string Row { get; set; } = "";

    /// <summary>Makes the rows, and checks that the three agree on each of them.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rows = LogitRows.Make(Row, Items, RowCount);
        _weights = new float[Items];
        _fullSort = new FullSort(Items);
        foreach (var row in _rows)
        {
            var slate = Sample(row);
            var size = _fullSort.NucleusSize(row, TopP);
            Require(slate.Count == _slots.Length, $"{slate.Count} slots are filled, not {_slots.Length}");
            Require(slate.NucleusSize == size, $"the nucleus has {slate.NucleusSize} items, by sorting {size}");
            var logSum = NucleusSampler.LogSumExp(row);
            var floor = TensorPrimitives.Max(row.AsSpan(1)) + Math.Log(ExpSum(row));
            Require(Math.Abs(floor - logSum) < 1e-4, $"log-sum-exp is {floor} in single precision, {logSum} in double");
            foreach (var slot in _slots)
                Require(Math.Abs(slot.Probability / Math.Exp(row[slot.Item] - logSum) - 1) < 1e-6, $"item {slot.Item} has the probability {slot.Probability}");
        }
    }

    /// <summary>The floor: maximum, exp and sum in single precision, from which no item is chosen yet.</summary>
    [Benchmark(Baseline = true)]
    public float ExpSumFloor() => ExpSum(Next());

    /// <summary>The sampler that serves.</summary>
    [Benchmark]
    public int Nucleus() => Sample(Next()).NucleusSize;

    /// <summary>Softmax and sort, without drawing.</summary>
    [Benchmark]
    public int SoftmaxAndSort() => _fullSort.NucleusSize(Next(), TopP);

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new InvalidOperationException(otherwise);
    }

    private float[] Next() => _rows[_calls++ & (RowCount - 1)];

    private SlateSummary Sample(float[] row) => NucleusSampler.Sample(row, mask: null, new SamplingParameters { TopP = TopP, Seed = (ulong)_calls }, _slots);

    private float ExpSum(float[] row)
    {
        var logits = row.AsSpan(1);
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), _weights);
        TensorPrimitives.Exp(_weights, _weights);
        return TensorPrimitives.Sum<float>(_weights);
    }
}
