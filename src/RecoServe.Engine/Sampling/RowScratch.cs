using System.Buffers;

namespace RecoServe.Engine.Sampling;

/// <summary>The pooled memory of one call of the <see cref="StreamingSampler"/>. What is not used is never touched.</summary>
internal readonly struct RowScratch : IDisposable
{
    private const int SampleCapacity = RowSample.MaxLength + LogitList.Slack;

    private readonly float[] _logits;
    private readonly float[] _selection;
    private readonly int[] _items;
    private readonly float[] _sample;
    private readonly float[] _peaks;
    private readonly int _capacity;

    private RowScratch(in LogitRow row)
    {
        _capacity = Math.Max(row.BlockCount * LogitRow.BlockLength, RowSample.MaxLength) + LogitList.Slack;
        _logits = ArrayPool<float>.Shared.Rent(_capacity);
        _selection = ArrayPool<float>.Shared.Rent(_capacity);
        _items = ArrayPool<int>.Shared.Rent(_capacity);
        _sample = ArrayPool<float>.Shared.Rent(3 * SampleCapacity);
        _peaks = ArrayPool<float>.Shared.Rent(row.BlockCount + LogitList.Slack);
        BlockMasses = ArrayPool<double>.Shared.Rent(row.BlockCount);
        BlockMaxima = ArrayPool<float>.Shared.Rent(row.BlockCount);
        BlockStarts = ArrayPool<int>.Shared.Rent(row.BlockCount + 1);
    }

    /// <summary>Weight of each block's logits at or above a threshold.</summary>
    public double[] BlockMasses { get; }

    /// <summary>The largest logit of each block.</summary>
    public float[] BlockMaxima { get; }

    /// <summary>Where each block's logits begin in the list.</summary>
    public int[] BlockStarts { get; }

    /// <summary>The weights of a <see cref="RowSample"/>.</summary>
    public Span<float> SampleWeights => _sample.AsSpan(SampleCapacity, SampleCapacity);

    /// <summary>Their squares.</summary>
    public Span<float> SampleSquares => _sample.AsSpan(2 * SampleCapacity, SampleCapacity);

    /// <summary>Rents; give back by <see cref="Dispose"/>.</summary>
    public static RowScratch Rent(in LogitRow row) => new(row);

    /// <summary>An empty list that the whole row fits in.</summary>
    public LogitList List() => new(_logits.AsSpan(0, _capacity));

    /// <summary>Another, for a selection.</summary>
    public LogitList Selection() => new(_selection.AsSpan(0, _capacity));

    /// <summary>An empty list of items that the whole row fits in; its logits share memory with <see cref="List"/>.</summary>
    public ItemList Items() => new(_logits.AsSpan(0, _capacity), _items.AsSpan(0, _capacity));

    /// <summary>An empty list that a logit of each block fits in.</summary>
    public LogitList Peaks() => new(_peaks);

    /// <summary>An empty list that a <see cref="RowSample"/> fits in.</summary>
    public LogitList Sample() => new(_sample.AsSpan(0, SampleCapacity));

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        ArrayPool<float>.Shared.Return(_logits);
        ArrayPool<float>.Shared.Return(_selection);
        ArrayPool<int>.Shared.Return(_items);
        ArrayPool<float>.Shared.Return(_sample);
        ArrayPool<float>.Shared.Return(_peaks);
        ArrayPool<double>.Shared.Return(BlockMasses);
        ArrayPool<float>.Shared.Return(BlockMaxima);
        ArrayPool<int>.Shared.Return(BlockStarts);
    }
}
