using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>What was watched before each row of a batch: the items that a recommendation there would leave out.</summary>
/// <param name="items">int64 [users, length]: the start marker, then watches, oldest first.</param>
/// <param name="cells">int64 [positions]: the flat index of each row's last read watch in [users · length].</param>
internal sealed class WatchedItems(Tensor items, Tensor cells)
{
    /// <summary>int64 [count, length]: the items of some rows in a row, 0 where there are none.</summary>
    public Tensor Of(long start, long count)
    {
        var length = (int)items.shape[1];
        using Scalar width = length.ToScalar(), marker = 0.ToScalar();
        var own = cells.narrow(0, start, count);
        var later = arange(marker, width, int64).gt(own.remainder(width).unsqueeze(1));
        return items.index_select(0, own.div(width, RoundingMode.floor)).masked_fill_(later, marker);
    }

    /// <summary>Those of some of the rows.</summary>
    /// <param name="rows">int64 [some].</param>
    public WatchedItems Select(Tensor rows) => new(items, cells.index_select(0, rows));
}
