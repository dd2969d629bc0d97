using System.Runtime.CompilerServices;

namespace RecoServe.Engine.Sampling;

/// <summary>The passes over one long row, block by block, and what they leave of each block.</summary>
[SkipLocalsInit]
internal ref struct RowScan
{
    private readonly RowScratch _scratch;
    private float _massThreshold = float.NaN;

    /// <summary>A row with its weights, of which nothing is known yet: every block must be looked at.</summary>
    public RowScan(in LogitRow row, SingleWeights single, RowScratch scratch)
    {
        Row = row;
        (Single, _scratch) = (single, scratch);
        _scratch.BlockMaxima.AsSpan().Fill(float.PositiveInfinity);
    }

    /// <summary>The row.</summary>
    public LogitRow Row { get; }

    /// <summary>The weights, in single precision.</summary>
    public SingleWeights Single { get; }

    /// <summary>The largest logit that a sum has seen.</summary>
    public float Max { get; private set; } = float.NegativeInfinity;

    /// <summary>Each block's weight at or above the threshold of the last sum; 0 if it had none.</summary>
    public readonly Span<double> Masses => _scratch.BlockMasses.AsSpan(0, Row.BlockCount);

    /// <summary>Sums all weights, and each block's at or above a threshold.</summary>
    public double Sum<TCount>(float threshold)
        where TCount : struct, IThresholdCount
    {
        var thresholds = default(Four<float>);
        thresholds[0] = threshold;
        _massThreshold = TCount.Value > 0 ? threshold : float.PositiveInfinity;
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        var total = 0.0;
        for (var block = 0; block < Row.BlockCount; block++)
            total += Keep(block, RowPasses.Sum<TCount>(Row.Block(block, buffer), Single, thresholds));
        return total;
    }

    /// <summary>The same, and lists the items from another threshold up to this one.</summary>
    /// <param name="list">Is emptied first.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">The threshold of the sums.</param>
    /// <param name="above">How many items are at or above it.</param>
    public double SumAndList(ref ItemList list, float low, float high, out int above)
    {
        list.Clear();
        above = 0;
        _massThreshold = high;
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        var total = 0.0;
        for (var block = 0; block < Row.BlockCount; block++)
        {
            _scratch.BlockStarts[block] = list.Count;
            total += Keep(block, list.AppendAndSum(Row.Block(block, buffer), block * LogitRow.BlockLength, low, high, Single, ref above));
        }

        _scratch.BlockStarts[Row.BlockCount] = list.Count;
        return total;
    }

    /// <summary>Sums all weights, and those at or above a threshold, in double precision.</summary>
    public readonly (double Total, double Above) SumExactly(float threshold, in Softmax softmax)
    {
        var (total, above) = (default(CompensatedSum), default(CompensatedSum));
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        Span<double> weights = stackalloc double[LogitRow.BlockLength];
        for (var block = 0; block < Row.BlockCount; block++)
        {
            var logits = Row.Block(block, buffer);
            Softmax.Weigh(logits, softmax.Reference, softmax.Temperature, weights);
            total.Add(OrderedSum.Of(weights));
            if (_scratch.BlockMaxima[block] >= threshold)
                above.Add(Softmax.SumAtOrAbove(logits, threshold, weights));
        }

        return (total.Value, above.Value);
    }

    /// <summary>Lists the items with logits in [low, high); returns how many are at or above the latter.</summary>
    /// <param name="list">Is emptied first.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <param name="lastTie">Items beyond this one are not listed if their logit is <paramref name="low"/>.</param>
    public readonly int List(ref ItemList list, float low, float high, int lastTie = int.MaxValue)
    {
        list.Clear();
        var above = 0;
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        for (var block = 0; block < Row.BlockCount; block++)
        {
            _scratch.BlockStarts[block] = list.Count;
            var first = block * LogitRow.BlockLength;
            var least = first > lastTie ? MathF.BitIncrement(low) : low;
            if (_scratch.BlockMaxima[block] >= least)
                above += list.Append(Row.Block(block, buffer), first, least, high);
        }

        _scratch.BlockStarts[Row.BlockCount] = list.Count;
        return above;
    }

    /// <summary>Makes the masses those at or above a threshold, with a further sum if the last one had another.</summary>
    public void SetMasses(float threshold)
    {
        if (_massThreshold == threshold)
            return;
        if (threshold < float.PositiveInfinity)
            Sum<OneThreshold>(threshold);
        else
            Masses.Clear();
    }

    /// <summary>Adds to the masses what a list, as it was last filled, has of a prefix of the ranking.</summary>
    public void AddToMasses(in ItemList list, ulong last)
    {
        _massThreshold = float.NaN;
        for (var block = 0; list.Count > 0 && block < Row.BlockCount; block++)
            Masses[block] += list.SumOfPrefix(_scratch.BlockStarts[block], _scratch.BlockStarts[block + 1], last, Single);
    }

    /// <summary>Counts the items at or above a threshold.</summary>
    public readonly int Count(float threshold)
    {
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        var count = 0;
        for (var block = 0; block < Row.BlockCount; block++)
        {
            if (_scratch.BlockMaxima[block] >= threshold)
                count += RowPasses.Count(Row.Block(block, buffer), threshold);
        }

        return count;
    }

    /// <summary>A threshold that the largest logits of so many blocks reach: what is above it stands in those alone.</summary>
    public readonly float PeakThreshold(int blocks)
    {
        var maxima = _scratch.List();
        maxima.Extend(_scratch.BlockMaxima.AsSpan(0, Row.BlockCount));
        var cut = PrefixSelection.Select(
            maxima, float.NegativeInfinity, float.PositiveInfinity, blocks, SingleWeights.Ones, Softmax.Ones, _scratch.Selection());
        return Math.Max(float.MinValue, RankKey.LogitOf(cut.Last)); // blocks without an eligible item have none
    }

    private double Keep(int block, in PassSums sums)
    {
        _scratch.BlockMasses[block] = sums.Above[0];
        _scratch.BlockMaxima[block] = sums.Max;
        Max = Math.Max(Max, sums.Max);
        return sums.Total;
    }
}
