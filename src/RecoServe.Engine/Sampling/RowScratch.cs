using System.Buffers;

namespace RecoServe.Engine.Sampling;

/// <summary>The pooled memory of one call of the <see cref="StreamingSampler"/>. What is not used is never touched.</summary>
internal readonly struct RowScratch : IDisposable
{
    private const int SampleCapacity = RowSample.MaxLength + ItemList.Slack;

    private readonly float[] _logits;
    private readonly int[] _items;
    private readonly float[] _selectionLogits;
    private readonly int[] _selectionItems;
    private readonly float[] _sample;
    private readonly int _capacity;

    private RowScratch(in LogitRow row)
    {
        _capacity = Math.Max(row.Logits.Length, RowSample.MaxLength) + ItemList.Slack;
        _logits = ArrayPool<float>.Shared.Rent(_capacity);
        _items = ArrayPool<int>.Shared.Rent(_capacity);
        _selectionLogits = ArrayPool<float>.Shared.Rent(_capacity);
        _selectionItems = ArrayPool<int>.Shared.Rent(_capacity);
        _sample = ArrayPool<float>.Shared.Rent(SampleCapacity);
        BlockMasses = ArrayPool<double>.Shared.Rent(row.BlockCount);
        BlockMaxima = ArrayPool<float>.Shared.Rent(row.BlockCount);
        BlockStarts = ArrayPool<int>.Shared.Rent(row.BlockCount + 1);
    }

    /// <summary>Weight of each block's logits at or above a threshold.</summary>
    public double[] BlockMasses { get; }

    /// <summary>The largest logit of each block.</summary>
    public float[] BlockMaxima { get; }

    /// <summary>Where each block's items begin in the list.</summary>
    public int[] BlockStarts { get; }

    /// <summary>Rents; give back by <see cref="Dispose"/>.</summary>
    public static RowScratch Rent(in LogitRow row) => new(row);

    /// <summary>An empty list that the whole row fits in.</summary>
    public ItemList List() => new(_logits.AsSpan(0, _capacity), _items.AsSpan(0, _capacity));

    /// <summary>Another, for a selection.</summary>
    public ItemList Selection() => new(_selectionLogits.AsSpan(0, _capacity), _selectionItems.AsSpan(0, _capacity));

    /// <summary>An empty list that a <see cref="RowSample"/> fits in; its items share memory with the row's list.</summary>
    public ItemList Sample() => new(_sample.AsSpan(0, SampleCapacity), _items.AsSpan(0, SampleCapacity));

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        ArrayPool<float>.Shared.Return(_logits);
        ArrayPool<int>.Shared.Return(_items);
        ArrayPool<float>.Shared.Return(_selectionLogits);
        ArrayPool<int>.Shared.Return(_selectionItems);
        ArrayPool<float>.Shared.Return(_sample);
        ArrayPool<double>.Shared.Return(BlockMasses);
        ArrayPool<float>.Shared.Return(BlockMaxima);
        ArrayPool<int>.Shared.Return(BlockStarts);
    }
}
