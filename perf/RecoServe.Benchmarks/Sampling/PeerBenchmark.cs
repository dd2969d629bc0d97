using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using RecoServe.Engine.Sampling;

namespace RecoServe.Benchmarks.Sampling;

/// <summary>
/// What else one could do, on the same rows: the sampler with its ten draws beside three ways that draw nothing, of which the
/// first does not even know the nucleus.
/// </summary>
public class PeerBenchmark : ICyclicBenchmark
{
    private const double TopP = 0.9;

    private readonly SlateSlot[] _slots = new SlateSlot[10];
    private RowSet _rows = null!;
    private float[] _probabilities = [];
    private Quickselect _quickselect = null!;
    private FullSort _fullSort = null!;
    private ulong _seed;

    /// <inheritdoc/>
    int ICyclicBenchmark.Cycle => _rows.Rows.Count;

    /// <summary>Size N of the catalogue.</summary>
    [Params(10_000, 100_000, 1_000_000)]
    public int Items { get; set; }

    /// <summary>The kind of the rows.</summary>
    [ParamsSource(typeof(RowKinds), nameof(RowKinds.All))]
    public string Row { get; set; } = "";

    /// <summary>Makes the rows, and checks the peers.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _rows = RowSet.Of(Row, Items);
        _probabilities = new float[Items];
        (_quickselect, _fullSort) = (new Quickselect(Items), new FullSort(Items));
        Answer.CheckOnce((_rows, "peers"), Check);
    }

    private void Check()
    {
        for (var row = 0; row < Math.Min(_rows.Rows.Count, 4); row++)
        {
            var exact = _rows.Nucleus(row, TopP, topK: 0).Size;
            var sorted = _fullSort.NucleusSize(_rows.Rows[row].AsSpan(1), TopP);
            var selected = _quickselect.NucleusSize(_rows.Rows[row].AsSpan(1), TopP);
            // In single precision the softmax itself is up to a percent of the items off.
            Answer.Require(Math.Abs(sorted - exact) <= 1 + (exact / 100), $"row {row}: the sorted nucleus has {sorted} items, not {exact}");
            Answer.Require(Math.Abs(selected - sorted) <= 1, $"row {row}: the selected nucleus has {selected} items, the sorted {sorted}");
        }
    }

    /// <summary>The sampler that serves.</summary>
    [Benchmark(Baseline = true)]
    public int FindAndDraw() =>
        NucleusSampler.Sample(_rows.Next(), mask: null, new SamplingParameters { TopP = TopP, Seed = _seed++ }, _slots).NucleusSize;

    /// <summary>Softmax alone, written out.</summary>
    [Benchmark]
    public void SoftMax() => TensorPrimitives.SoftMax(_rows.Next().AsSpan(1), _probabilities);

    /// <summary>Softmax and selection.</summary>
    [Benchmark]
    public int SoftMaxAndSelect() => _quickselect.NucleusSize(_rows.Next().AsSpan(1), TopP);

    /// <summary>Softmax and sort.</summary>
    [Benchmark]
    public int SoftMaxAndSort() => _fullSort.NucleusSize(_rows.Next().AsSpan(1), TopP);
}
