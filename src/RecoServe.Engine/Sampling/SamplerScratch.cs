using System.Buffers;

namespace RecoServe.Engine.Sampling;

/// <summary>The pooled arrays of a <see cref="CandidateSampler"/>, each long enough for every candidate.</summary>
internal readonly struct SamplerScratch : IDisposable
{
    private SamplerScratch(int rowLength, int slotCount)
    {
        Items = ArrayPool<int>.Shared.Rent(rowLength + ItemList.Slack);
        Logits = ArrayPool<float>.Shared.Rent(rowLength + ItemList.Slack);
        Weights = ArrayPool<double>.Shared.Rent(rowLength);
        Positions = ArrayPool<int>.Shared.Rent(rowLength);
        BlockSums = ArrayPool<double>.Shared.Rent(SlateDraw.MostBlocks(rowLength));
        Ranks = ArrayPool<ulong>.Shared.Rent(slotCount);
    }

    /// <summary>Item indexes of the candidates.</summary>
    public int[] Items { get; }

    /// <summary>Logits of the candidates.</summary>
    public float[] Logits { get; }

    /// <summary>Weights of the candidates.</summary>
    public double[] Weights { get; }

    /// <summary>Positions of the candidates that a selection still considers.</summary>
    public int[] Positions { get; }

    /// <summary>Weight of each block of items that can still be drawn.</summary>
    public double[] BlockSums { get; }

    /// <summary>Rank keys of the most probable items, one a slot.</summary>
    public ulong[] Ranks { get; }

    /// <summary>Rents; give back by <see cref="Dispose"/>.</summary>
    public static SamplerScratch Rent(int rowLength, int slotCount) => new(rowLength, slotCount);

    /// <summary>Gives the arrays back.</summary>
    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(Items);
        ArrayPool<float>.Shared.Return(Logits);
        ArrayPool<double>.Shared.Return(Weights);
        ArrayPool<int>.Shared.Return(Positions);
        ArrayPool<double>.Shared.Return(BlockSums);
        ArrayPool<ulong>.Shared.Return(Ranks);
    }
}
