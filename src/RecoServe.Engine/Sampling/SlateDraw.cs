using System.Numerics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Draws items without replacement, each with its share of the weight that is left (Plackett 1975): inverse distribution
/// function in index order, first over blocks of items, then inside one.
/// </summary>
/// <remarks>
/// A drawn item's weight becomes 0 and its block is summed anew, so that nothing is ever subtracted and no rounding
/// accumulates. Once only items are left whose weights, relative to the row's maximum, lose precision or underflow, all
/// weights are taken anew relative to the largest logit left.
/// </remarks>
internal readonly ref struct SlateDraw
{
    private const int LeastBlockLength = 64;
    private const double LeastTotal = 1e-100;

    private readonly Span<float> _logits;
    private readonly Span<double> _weights;
    private readonly Span<double> _blockSums;
    private readonly double _temperature;
    private readonly int _blockLength;

    /// <summary>Takes over logits and weights of <paramref name="candidates"/>.</summary>
    /// <param name="candidates">What can be drawn.</param>
    /// <param name="temperature">The temperature of their weights.</param>
    /// <param name="blockSums">Scratch of <see cref="MostBlocks"/> elements.</param>
    public SlateDraw(in Candidates candidates, double temperature, Span<double> blockSums)
    {
        _logits = candidates.Logits;
        _weights = candidates.Weights;
        _temperature = temperature;
        // About as many blocks as items in each: a draw sums both.
        _blockLength = Math.Max(LeastBlockLength, (int)BitOperations.RoundUpToPowerOf2((uint)Math.Sqrt(candidates.Count)));
        _blockSums = blockSums[..((candidates.Count + _blockLength - 1) / _blockLength)];
        SumBlocks();
    }

    /// <summary>Most blocks of so many items.</summary>
    public static int MostBlocks(int items) => (items / LeastBlockLength) + 1;

    /// <summary>Draws one item; not to be called more often than there are candidates.</summary>
    /// <param name="uniform">A random number in [0, 1).</param>
    /// <param name="logit">The item's logit.</param>
    /// <param name="propensity">The probability of this draw, given the draws before.</param>
    /// <returns>The item's position among the candidates.</returns>
    public int Next(double uniform, out float logit, out double propensity)
    {
        var total = OrderedSum.Of(_blockSums);
        if (total < LeastTotal)
        {
            Softmax.Weigh(_logits, Softmax.MaxOf(_logits), _temperature, _weights);
            SumBlocks();
            total = OrderedSum.Of(_blockSums);
        }

        var rest = uniform * total;
        var block = InverseDistribution.Locate(_blockSums, ref rest);
        var position = (block * _blockLength) + InverseDistribution.Locate(Block(block), ref rest);
        propensity = _weights[position] / total;
        logit = _logits[position];

        _weights[position] = 0;
        _logits[position] = float.NegativeInfinity;
        _blockSums[block] = OrderedSum.Of(Block(block));
        return position;
    }

    private Span<double> Block(int block) =>
        _weights[(block * _blockLength)..Math.Min((block + 1) * _blockLength, _weights.Length)];

    private void SumBlocks()
    {
        for (var block = 0; block < _blockSums.Length; block++)
            _blockSums[block] = OrderedSum.Of(Block(block));
    }
}
