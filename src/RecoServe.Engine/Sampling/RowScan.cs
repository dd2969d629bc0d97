using System.Runtime.CompilerServices;

namespace RecoServe.Engine.Sampling;

/// <summary>The passes over one long row, block by block, and what they leave of each block.</summary>
[SkipLocalsInit]
internal ref struct RowScan
{
    /// <summary>Blocks of a pass before what it has found is listed, which must wait for it, as must the next pass for the listing.</summary>
    private const int BlocksAtOnce = 64;

    private const int StepsAtOnce = BlocksAtOnce * LogitRow.BlockLength / RowPasses.Step;

    private readonly RowScratch _scratch;
    private float _massThreshold = float.NaN;

    /// <summary>A row of which nothing is known yet: every block must be looked at.</summary>
    public RowScan(in LogitRow row, RowScratch scratch)
    {
        Row = row;
        _scratch = scratch;
        _scratch.BlockMaxima.AsSpan(0, row.BlockCount).Fill(float.PositiveInfinity);
    }

    /// <summary>The row.</summary>
    public LogitRow Row { get; }

    /// <summary>The weights, in single precision; to be set before they are summed.</summary>
    public SingleWeights Single { get; set; }

    /// <summary>The largest logit that a sum has seen.</summary>
    public float Max { get; private set; } = float.NegativeInfinity;

    /// <summary>Each block's weight at or above the threshold of the last sum; 0 if it had none.</summary>
    public readonly Span<double> Masses => _scratch.BlockMasses.AsSpan(0, Row.BlockCount);

    /// <summary>Sums all weights, and each block's at or above a threshold, and lists the logits from another up to it.</summary>
    /// <param name="list">Is emptied first.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">The threshold of the sums; not below <paramref name="low"/>.</param>
    /// <param name="above">How many items are at or above it.</param>
    public double SumAndList(ref LogitList list, float low, float high, out int above)
    {
        list.Clear();
        above = 0;
        _massThreshold = high;
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        var total = 0.0;
        for (var block = 0; block < Row.BlockCount; block++)
        {
            _scratch.BlockStarts[block] = list.Count;
            var sums = list.AppendAndSum(Row.Block(block, buffer), low, high, Single, ref above);
            Keep(block, sums);
            total += sums.Above + sums.Below; // so that the errors of the one side do not move it against the other
        }

        _scratch.BlockStarts[Row.BlockCount] = list.Count;
        return total;
    }

    /// <summary>Lists the few items at or above a threshold, and sums the weights of all others.</summary>
    /// <param name="items">Is emptied first.</param>
    /// <param name="threshold">Above −∞.</param>
    public double SumAndListFew(ref ItemList items, float threshold)
    {
        _massThreshold = float.PositiveInfinity;
        var sum = ListFew(ref items, threshold, weigh: true);
        return sum - (items.Count * (double)Single.Of(threshold));
    }

    /// <summary>Lists the few items at or above a threshold.</summary>
    /// <param name="items">Is emptied first.</param>
    /// <param name="threshold">Above −∞.</param>
    public void ListFew(ref ItemList items, float threshold) => ListFew(ref items, threshold, weigh: false);

    /// <summary>Sums all weights, and those at or above a threshold, in double precision.</summary>
    public readonly (double Total, double Above) SumExactly(float threshold, in Softmax softmax)
    {
        var (total, above) = (default(CompensatedSum), default(CompensatedSum));
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        Span<double> weights = stackalloc double[LogitRow.BlockLength];
        for (var block = 0; block < Row.BlockCount; block++)
        {
            var logits = Row.Block(block, buffer);
            if (ThresholdPasses.Count(logits, _scratch.BlockMaxima[block]) == logits.Length) // of ties, one weight is enough
                weights.Fill(softmax.Weight(_scratch.BlockMaxima[block]));
            else
                Softmax.Weigh(logits, softmax.Reference, softmax.Temperature, weights);
            total.Add(OrderedSum.Of(weights));
            if (_scratch.BlockMaxima[block] >= threshold)
                above.Add(Softmax.SumAtOrAbove(logits, threshold, weights));
        }

        return (total.Value, above.Value);
    }

    /// <summary>Lists the logits in [low, high).</summary>
    /// <param name="list">Is emptied first.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    public readonly void List(ref LogitList list, float low, float high)
    {
        list.Clear();
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        var above = 0;
        for (var block = 0; block < Row.BlockCount; block++)
        {
            _scratch.BlockStarts[block] = list.Count;
            if (_scratch.BlockMaxima[block] >= low)
                list.Append(Row.Block(block, buffer), low, high, ref above);
        }

        _scratch.BlockStarts[Row.BlockCount] = list.Count;
    }

    /// <summary>Lists the items with logits at or above a threshold.</summary>
    /// <param name="items">Is emptied first.</param>
    /// <param name="threshold">Above −∞.</param>
    /// <param name="lastTie">Items beyond this one are not listed if their logit is the threshold.</param>
    public readonly void List(ref ItemList items, float threshold, int lastTie)
    {
        items.Clear();
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        for (var block = 0; block < Row.BlockCount; block++)
        {
            var first = block * LogitRow.BlockLength;
            var least = first > lastTie ? MathF.BitIncrement(threshold) : threshold;
            if (_scratch.BlockMaxima[block] >= least)
                items.Append(Row.Block(block, buffer), first, least);
        }
    }

    /// <summary>The item of an element of the list, as it was last filled.</summary>
    public readonly int ItemAt(in LogitList list, int position)
    {
        var starts = _scratch.BlockStarts.AsSpan(0, Row.BlockCount + 1);
        var block = 0;
        while (starts[block + 1] <= position)
            block++;
        var logit = list.Logits[position];
        var number = list.Logits[starts[block]..(position + 1)].Count(logit);
        return (block * LogitRow.BlockLength) + ThresholdPasses.PositionOf(Row.Block(block, stackalloc float[LogitRow.BlockLength]), logit, number);
    }

    /// <summary>Makes the masses those at or above a threshold, with a further sum if the last one had another.</summary>
    public readonly void SetMasses(float threshold)
    {
        if (_massThreshold == threshold)
            return;
        Masses.Clear();
        if (float.IsPositiveInfinity(threshold))
            return;
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        for (var block = 0; block < Row.BlockCount; block++)
            Masses[block] = RowPasses.SumSides(Row.Block(block, buffer), Single, threshold).Above;
    }

    /// <summary>Makes the masses those of a list, as it was last filled, which has all logits at or above a threshold.</summary>
    public void SetMasses(in LogitList list, float threshold)
    {
        Masses.Clear();
        AddToMasses(list, float.MinValue, int.MaxValue);
        _massThreshold = threshold;
    }

    /// <summary>Adds to the masses what a list, as it was last filled, has of a prefix of the ranking.</summary>
    /// <param name="list">The list.</param>
    /// <param name="edge">The logit of the prefix's last item.</param>
    /// <param name="lastTie">The last element of the list with this logit that belongs to the prefix.</param>
    public void AddToMasses(in LogitList list, float edge, int lastTie)
    {
        _massThreshold = float.NaN;
        for (var block = 0; list.Count > 0 && block < Row.BlockCount; block++)
            Masses[block] += list.SumOfPrefix(_scratch.BlockStarts[block], _scratch.BlockStarts[block + 1], edge, lastTie);
    }

    /// <summary>A threshold that the largest logits of so many blocks reach: what is above it stands in those alone.</summary>
    public readonly float PeakThreshold(int blocks)
    {
        var maxima = _scratch.Peaks();
        _scratch.BlockMaxima.AsSpan(0, Row.BlockCount).CopyTo(maxima.Extend(Row.BlockCount));
        maxima.WeighEqually();
        var cut = PrefixSelection.Select(
            maxima, float.NegativeInfinity, float.PositiveInfinity, blocks, Softmax.Ones, _scratch.Selection());
        return Math.Max(float.MinValue, cut.Edge); // blocks without an eligible item have none
    }

    /// <summary>Lists the few; if asked to weigh, sums the weights of all items, of the few as if they stood at the threshold, and keeps what it sees of the blocks.</summary>
    private double ListFew(ref ItemList items, float threshold, bool weigh)
    {
        items.Clear();
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        Span<int> steps = stackalloc int[StepsAtOnce];
        var sum = 0.0;
        for (var first = 0; first < Row.BlockCount; first += BlocksAtOnce)
        {
            var (end, found) = (Math.Min(first + BlocksAtOnce, Row.BlockCount), 0);
            for (var block = first; block < end; block++)
            {
                _scratch.BlockStarts[block] = found;
                var firstItem = block * LogitRow.BlockLength;
                var logits = Row.Block(block, buffer);
                if (!weigh)
                {
                    found += ThresholdPasses.Find(logits, firstItem, threshold, steps[found..]);
                    continue;
                }

                var sums = RowPasses.SumAndFind(logits, firstItem, Single, threshold, steps[found..], out var inBlock);
                found += inBlock;
                Keep(block, sums);
                sum += sums.Below;
            }

            ListFound(ref items, threshold, first, end, steps[..found]);
        }

        _scratch.BlockStarts[Row.BlockCount] = items.Count;
        return sum;
    }

    /// <summary>Lists the items of some blocks that have been found.</summary>
    /// <param name="items">Receives them.</param>
    /// <param name="threshold">They are at or above it.</param>
    /// <param name="first">The first block.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="steps">The steps of all these blocks that have such items; where those of a block begin stands in its start, which becomes where its items begin.</param>
    private readonly void ListFound(scoped ref ItemList items, float threshold, int first, int end, scoped Span<int> steps)
    {
        Span<float> buffer = stackalloc float[LogitRow.BlockLength];
        var starts = _scratch.BlockStarts;
        starts[end] = steps.Length;
        for (int block = first, next; block < end; block = next)
        {
            next = block + 1;
            if (starts[block] == starts[next]) // it may have to be copied
                continue;
            // As many as stand together: a loop's end is foretold badly.
            var blocks = Row.Blocks(block, end, buffer);
            next = block + (blocks.Length / LogitRow.BlockLength);
            items.AppendFew(blocks, block * LogitRow.BlockLength, threshold, steps[starts[block]..starts[next]]);
        }

        foreach (ref var start in starts.AsSpan(first, end - first))
            start = start < steps.Length ? steps[start] : items.Count;
    }

    private void Keep(int block, in PassSums sums)
    {
        _scratch.BlockMasses[block] = sums.Above;
        _scratch.BlockMaxima[block] = sums.Max;
        Max = Math.Max(Max, sums.Max);
    }
}
