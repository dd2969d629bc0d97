using static TorchSharp.torch;

namespace RecoServe.Trainer.Objectives;

/// <summary>
/// Draws items to set against the targets, with replacement, with probability q ∝ (training count + 1)^power; from torch's
/// generator. If as many are to be drawn as there are, every item comes once, whatever the power.
/// </summary>
internal sealed class NegativeSampler : IDisposable
{
    private readonly int _itemCount;
    private readonly int _count;
    private readonly Tensor? _all;
    private readonly Tensor? _cumulative;
    private readonly Tensor _logExpected;

    /// <param name="counts">Training count of each item, N + 1 numbers; the first is not read.</param>
    /// <param name="count">How many to draw, 1 or more; more than N is N.</param>
    /// <param name="power">0: all items alike; 1: as often as in the log.</param>
    public NegativeSampler(ReadOnlySpan<long> counts, int count, double power)
    {
        (_itemCount, _count) = (counts.Length - 1, Math.Min(count, counts.Length - 1));
        var drawsAll = _count == _itemCount;
        var weights = new double[counts.Length];
        for (var i = 1; i < weights.Length; i++)
            weights[i] = drawsAll ? 1 : Math.Pow(counts[i] + 1, power);
        var total = weights.Sum();
        _logExpected = tensor(Array.ConvertAll(weights, w => (float)Math.Log(_count * w / total)));
        _all = drawsAll ? tensor(Enumerable.Range(1, _itemCount).Select(i => (long)i).ToArray()) : null;
        _cumulative = power == 0 || drawsAll ? null : tensor(Cumulative(weights, total));
    }

    /// <summary>How many items are drawn.</summary>
    public int Count => _count;

    /// <summary>Draws: int64 [count], and the logarithm of how often each of them is expected to be drawn, [count].</summary>
    public (Tensor Items, Tensor LogExpected) Draw()
    {
        var items = _all is not null ? _all.alias()
            : _cumulative is null ? randint(1, _itemCount + 1, [_count], int64)
            : searchsorted(_cumulative, rand(_count, float64), right: true);
        return (items, _logExpected.index_select(0, items));
    }

    public void Dispose()
    {
        _all?.Dispose();
        _cumulative?.Dispose();
        _logExpected.Dispose();
    }

    /// <summary>Item i is drawn by a uniform number from [c(i − 1), c(i)): a search, where torch's own sampler would pass over all items.</summary>
    private static double[] Cumulative(double[] weights, double total)
    {
        var (cumulative, sum) = (new double[weights.Length], 0d);
        for (var i = 1; i < weights.Length; i++)
            cumulative[i] = (sum += weights[i]) / total;
        cumulative[^1] = 1;
        return cumulative;
    }
}
