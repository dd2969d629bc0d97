using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// The memory of one call of the <see cref="StreamingSampler"/>: five times the row. Threads share as many as sample at the same time,
/// each as long as the longest row that it was used for; what is not used is never touched.
/// </summary>
internal sealed class RowScratch : IDisposable
{
    /// <summary>Twice the processors: a thread that lost its own in the midst of a row holds one too. More than that are collected.</summary>
    private static readonly RowScratch?[] Idle = new RowScratch?[2 * Environment.ProcessorCount];

    private readonly float[] _sample = new float[3 * (RowSample.MaxLength + LogitList.Slack)];
    private float[] _list = [];
    private float[] _listWeights = [];
    private float[] _selection = [];
    private float[] _selectionWeights = [];
    private float[] _peaks = [];
    private int[] _items = [];

    private RowScratch()
    {
    }

    /// <summary>The largest logits of a <see cref="RowSample"/>'s sixteen lanes.</summary>
    public float[] LaneMaxima { get; } = new float[Vector512<float>.Count];

    /// <summary>Weight of each block's logits at or above a threshold.</summary>
    public double[] BlockMasses { get; private set; } = [];

    /// <summary>The largest logit of each block.</summary>
    public float[] BlockMaxima { get; private set; } = [];

    /// <summary>Where each block's logits begin in the list.</summary>
    public int[] BlockStarts { get; private set; } = [];

    /// <summary>The squared weights of a <see cref="RowSample"/>.</summary>
    public Span<float> SampleSquares => _sample.AsSpan(2 * SampleCapacity, SampleCapacity);

    /// <summary>Memory for the weights of some blocks, at least one; <see cref="Selection"/> shares it.</summary>
    public Span<float> BlockWeights => _selectionWeights.AsSpan(0, Math.Min(BlockMasses.Length, BlockDraw.MostKept) * LogitRow.BlockLength);

    private static int SampleCapacity => RowSample.MaxLength + LogitList.Slack;

    /// <summary>Takes memory for one row; give it back by <see cref="Dispose"/>.</summary>
    public static RowScratch Rent(in LogitRow row)
    {
        var scratch = TryTake() ?? new RowScratch();
        scratch.Fit(row.BlockCount);
        return scratch;
    }

    /// <summary>An empty list that the whole row fits in.</summary>
    public LogitList List() => new(_list, _listWeights);

    /// <summary>An empty list of items that the whole row fits in; its logits share memory with <see cref="List"/>.</summary>
    public ItemList Few() => new(_list, _items);

    /// <summary>Another, for a selection.</summary>
    public LogitList Selection() => new(_selection, _selectionWeights);

    /// <summary>An empty list of items that the whole row fits in; its logits share memory with <see cref="Selection"/>.</summary>
    public ItemList Items() => new(_selection, _items);

    /// <summary>An empty list that a logit of each block fits in.</summary>
    public LogitList Peaks() => new(_peaks.AsSpan(0, _peaks.Length / 2), _peaks.AsSpan(_peaks.Length / 2));

    /// <summary>An empty list that a <see cref="RowSample"/> fits in.</summary>
    public LogitList Sample() => new(_sample.AsSpan(0, SampleCapacity), _sample.AsSpan(SampleCapacity, SampleCapacity));

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (ref var place in Idle.AsSpan())
        {
            if (place is null && Interlocked.CompareExchange(ref place, this, null) is null)
                return;
        }
    }

    private static RowScratch? TryTake()
    {
        foreach (ref var place in Idle.AsSpan())
        {
            if (place is not null && Interlocked.Exchange(ref place, null) is { } scratch)
                return scratch;
        }

        return null;
    }

    private void Fit(int blocks)
    {
        if (BlockMasses.Length >= blocks)
            return;
        var items = Math.Max(blocks * LogitRow.BlockLength, RowSample.MaxLength) + LogitList.Slack;
        _list = new float[items];
        _listWeights = new float[items];
        _selection = new float[items];
        _selectionWeights = new float[items];
        _items = new int[items];
        _peaks = new float[2 * (blocks + LogitList.Slack)];
        BlockMasses = new double[blocks];
        BlockMaxima = new float[blocks];
        BlockStarts = new int[blocks + 1];
    }
}
