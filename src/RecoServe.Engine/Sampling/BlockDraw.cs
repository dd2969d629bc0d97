using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Draws items without replacement from the nucleus of a row, each with its share of the weight that is left (Plackett 1975),
/// where the nucleus is large: inverse distribution function in index order, first over the blocks of the row, whose weights
/// are known, then inside one, whose weights are computed again. The nucleus is never listed.
/// </summary>
/// <remarks>
/// A drawn item's weight becomes 0 and its group is summed anew, so that nothing is ever subtracted. Blocks that were drawn from keep
/// their weights until another needs the place.
/// </remarks>
[SkipLocalsInit]
internal readonly ref struct BlockDraw
{
    /// <summary>Most blocks whose weights are kept.</summary>
    public const int MostKept = 64;

    private const int GroupLength = 64;
    private const int Groups = LogitRow.BlockLength / GroupLength;

    private readonly LogitRow _row;
    private readonly SingleWeights _single;
    private readonly Softmax _softmax;
    private readonly ulong _last;
    private readonly Span<double> _blockMasses;
    private readonly Span<float> _keptWeights;

    /// <param name="row">The row.</param>
    /// <param name="single">Its weights.</param>
    /// <param name="softmax">The same in double precision.</param>
    /// <param name="last">The rank key of the last item of the nucleus.</param>
    /// <param name="blockMasses">The nucleus' weight in each block; used up.</param>
    /// <param name="keptWeights">Scratch for the weights of 1…<see cref="MostKept"/> blocks.</param>
    public BlockDraw(in LogitRow row, in SingleWeights single, in Softmax softmax, ulong last, Span<double> blockMasses, Span<float> keptWeights)
    {
        _row = row;
        (_single, _softmax, _last) = (single, softmax, last);
        _blockMasses = blockMasses;
        _keptWeights = keptWeights;
        LeastTotal = OrderedSum.Of(blockMasses) * 1e-20;
    }

    /// <summary>Below this, what is left is too light for single precision.</summary>
    private double LeastTotal { get; }

    /// <summary>Fills the slots; false if items are left whose weights single precision cannot tell.</summary>
    public bool TryFill(ulong seed, Span<SlateSlot> slots)
    {
        var places = _keptWeights.Length / LogitRow.BlockLength;
        Span<double> keptGroups = stackalloc double[MostKept * Groups];
        var kept = (stackalloc int[MostKept])[..places];
        kept.Fill(-1);
        for (var slot = 0; slot < slots.Length; slot++)
        {
            var total = OrderedSum.Of(_blockMasses);
            if (total <= LeastTotal)
                return false;
            var rest = CounterRandom.Uniform(seed, slot) * total;
            var block = InverseDistribution.Locate(_blockMasses, ref rest);
            var place = block % places;
            var weights = _keptWeights.Slice(place * LogitRow.BlockLength, LogitRow.BlockLength);
            var groups = keptGroups.Slice(place * Groups, Groups);
            if (kept[place] != block)
                Weigh(kept[place] = block, slots[..slot], weights, groups);
            var group = InverseDistribution.Locate(groups, ref rest);
            var position = (group * GroupLength) + InverseDistribution.Locate(weights.Slice(group * GroupLength, GroupLength), ref rest);
            var item = (block * LogitRow.BlockLength) + position;
            var logit = _row.Logits[item];
            var weight = _softmax.Weight(logit);
            slots[slot] = new SlateSlot(item, logit, weight / _softmax.Total, Math.Min(1, weight / total), GreedyFill: false);

            weights[position] = 0;
            groups[group] = SumOf(weights, group);
            _blockMasses[block] = OrderedSum.Of(groups);
        }

        return true;
    }

    /// <summary>The weights of a block's items that are in the nucleus and not drawn yet, and their sums over groups.</summary>
    private void Weigh(int block, ReadOnlySpan<SlateSlot> drawn, Span<float> weights, Span<double> groups)
    {
        var first = block * LogitRow.BlockLength;
        var (scale, scaleError, shift, least) = _single;
        var edge = RankKey.LogitOf(_last);
        var (edges, aboveEdges) = (Vector512.Create(edge), Vector512.Create(MathF.BitIncrement(edge)));
        var toLastTie = Vector512.Create(RankKey.ItemOf(_last) - first) - Vector512<int>.Indices;
        ref var start = ref MemoryMarshal.GetReference(_row.Block(block, weights));
        ref var to = ref MemoryMarshal.GetReference(weights);
        for (var i = 0; i < LogitRow.BlockLength; i += GroupLength)
        {
            var (logitA, logitB) = (Vector512.LoadUnsafe(ref start, (nuint)i), Vector512.LoadUnsafe(ref start, (nuint)i + 16));
            var (logitC, logitD) = (Vector512.LoadUnsafe(ref start, (nuint)i + 32), Vector512.LoadUnsafe(ref start, (nuint)i + 48));
            var (a, b, c, d) = (logitA, logitB, logitC, logitD);
            SingleWeights.OfStep(ref a, ref b, ref c, ref d, scale, scaleError, shift, least);
            a &= IsInNucleus(logitA, i);
            b &= IsInNucleus(logitB, i + 16);
            c &= IsInNucleus(logitC, i + 32);
            d &= IsInNucleus(logitD, i + 48);
            a.StoreUnsafe(ref to, (nuint)i);
            b.StoreUnsafe(ref to, (nuint)i + 16);
            c.StoreUnsafe(ref to, (nuint)i + 32);
            d.StoreUnsafe(ref to, (nuint)i + 48);
            groups[i / GroupLength] = RowPasses.Sum((a + b) + (c + d));
        }

        ClearDrawn(block, drawn, weights, groups);

        // The edge's items up to the last tie.
        Vector512<float> IsInNucleus(Vector512<float> logits, int i) => Vector512.GreaterThanOrEqual(
            logits, Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(toLastTie, Vector512.Create(i)).AsSingle(), edges, aboveEdges));
    }

    private static void ClearDrawn(int block, ReadOnlySpan<SlateSlot> drawn, Span<float> weights, Span<double> groups)
    {
        var changed = 0;
        foreach (ref readonly var slot in drawn)
        {
            if (slot.Item / LogitRow.BlockLength != block)
                continue;
            weights[slot.Item % LogitRow.BlockLength] = 0;
            changed |= 1 << (slot.Item % LogitRow.BlockLength / GroupLength);
        }

        for (; changed != 0; changed &= changed - 1)
        {
            var group = BitOperations.TrailingZeroCount(changed);
            groups[group] = SumOf(weights, group);
        }
    }

    private static double SumOf(ReadOnlySpan<float> weights, int group)
    {
        ref var start = ref MemoryMarshal.GetReference(weights.Slice(group * GroupLength, GroupLength));
        return RowPasses.Sum(
            (Vector512.LoadUnsafe(ref start) + Vector512.LoadUnsafe(ref start, 16))
            + (Vector512.LoadUnsafe(ref start, 32) + Vector512.LoadUnsafe(ref start, 48)));
    }
}
