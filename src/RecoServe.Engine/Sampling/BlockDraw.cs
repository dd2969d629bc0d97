using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Draws items without replacement from the nucleus of a row, each with its share of the weight that is left (Plackett 1975),
/// where the nucleus is large: inverse distribution function in index order, first over the blocks of the row, whose weights
/// are known, then inside one, whose weights are computed again. The nucleus is never listed.
/// </summary>
/// <remarks>A drawn item's weight is left out when its block is computed again, so that nothing is ever subtracted.</remarks>
[SkipLocalsInit]
internal readonly ref struct BlockDraw
{
    private const int GroupLength = 64;
    private const int Groups = LogitRow.BlockLength / GroupLength;

    private readonly LogitRow _row;
    private readonly SingleWeights _single;
    private readonly Softmax _softmax;
    private readonly ulong _last;
    private readonly Span<double> _blockMasses;

    /// <param name="row">The row.</param>
    /// <param name="single">Its weights.</param>
    /// <param name="softmax">The same in double precision.</param>
    /// <param name="last">The rank key of the last item of the nucleus.</param>
    /// <param name="blockMasses">The nucleus' weight in each block; used up.</param>
    public BlockDraw(in LogitRow row, in SingleWeights single, in Softmax softmax, ulong last, Span<double> blockMasses)
    {
        _row = row;
        (_single, _softmax, _last) = (single, softmax, last);
        _blockMasses = blockMasses;
        LeastTotal = OrderedSum.Of(blockMasses) * 1e-20;
    }

    /// <summary>Below this, what is left is too light for single precision.</summary>
    private double LeastTotal { get; }

    /// <summary>Fills the slots; false if items are left whose weights single precision cannot tell.</summary>
    public bool TryFill(ulong seed, Span<SlateSlot> slots)
    {
        Span<float> weights = stackalloc float[LogitRow.BlockLength];
        Span<double> groups = stackalloc double[Groups];
        for (var slot = 0; slot < slots.Length; slot++)
        {
            var total = OrderedSum.Of(_blockMasses);
            if (total <= LeastTotal)
                return false;
            var rest = CounterRandom.Uniform(seed, slot) * total;
            var block = InverseDistribution.Locate(_blockMasses, ref rest);
            Weigh(block, slots[..slot], weights, groups);
            var group = InverseDistribution.Locate(groups, ref rest);
            var position = (group * GroupLength) + InverseDistribution.Locate(weights.Slice(group * GroupLength, GroupLength), ref rest);
            var item = (block * LogitRow.BlockLength) + position;
            var logit = _row.Logits[item];
            var weight = _softmax.Weight(logit);
            slots[slot] = new SlateSlot(item, logit, weight / _softmax.Total, Math.Min(1, weight / total), GreedyFill: false);

            weights[position] = 0;
            groups[group] = SumOf(ref weights[group * GroupLength]);
            _blockMasses[block] = OrderedSum.Of(groups);
        }

        return true;
    }

    /// <summary>The weights of a block's items that are in the nucleus and not drawn yet, and their sums over groups.</summary>
    private void Weigh(int block, ReadOnlySpan<SlateSlot> drawn, Span<float> weights, Span<double> groups)
    {
        var (edge, first, lastTie) = (RankKey.LogitOf(_last), block * LogitRow.BlockLength, RankKey.ItemOf(_last));
        var (scale, scaleError, shift, least) = _single;
        var threshold = Vector512.Create(first > lastTie ? MathF.BitIncrement(edge) : edge);
        var logits = _row.Block(block, weights);
        for (var i = 0; i < weights.Length; i += Vector512<float>.Count)
        {
            var logit = Vector512.Create<float>(logits.Slice(i, Vector512<float>.Count));
            var weight = SingleWeights.Of(logit, scale, scaleError, shift, least);
            weight = Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(logit, threshold), weight, Vector512<float>.Zero);
            weight.StoreUnsafe(ref weights[i]);
        }

        for (var position = lastTie - first + 1; position is > 0 and < LogitRow.BlockLength; position++)
            weights[position] = _row.Logits[Math.Min(first + position, _row.Logits.Length - 1)] == edge ? 0 : weights[position];
        foreach (ref readonly var slot in drawn)
        {
            if (slot.Item / LogitRow.BlockLength == block)
                weights[slot.Item - first] = 0;
        }

        for (var group = 0; group < Groups; group++)
            groups[group] = SumOf(ref weights[group * GroupLength]);
    }

    /// <summary>The sum of a group.</summary>
    private static double SumOf(ref float weights) => RowPasses.Sum(
        (Vector512.LoadUnsafe(ref weights) + Vector512.LoadUnsafe(ref weights, 16))
        + (Vector512.LoadUnsafe(ref weights, 32) + Vector512.LoadUnsafe(ref weights, 48)));
}
