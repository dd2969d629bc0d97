using System.Numerics.Tensors;

namespace RecoServe.Engine.Sampling;

/// <summary>The softmax over the eligible items of one row, in double precision.</summary>
/// <param name="Max">The largest eligible logit: the weight of item i is exp((logitᵢ − Max) / Temperature), so 1 at most.</param>
/// <param name="Temperature">The divisor of the logits.</param>
/// <param name="Total">The sum of all weights: the normaliser.</param>
internal readonly record struct Softmax(double Max, double Temperature, double Total)
{
    private const int BlockLength = 1024;

    /// <summary>The probability of an item with this logit; 0 where it is below the smallest double.</summary>
    public double Probability(float logit) => Exponential.Of((logit - Max) / Temperature) / Total;

    /// <summary>The largest logit of a row; −∞ if no item is eligible.</summary>
    /// <exception cref="InvalidLogitsException">A logit is NaN or +∞.</exception>
    public static float MaxOf(ReadOnlySpan<float> logits)
    {
        // Max propagates NaN, so that the usual row is examined in one vectorised pass.
        var max = logits.IsEmpty ? float.NegativeInfinity : TensorPrimitives.Max(logits);
        if (max < float.PositiveInfinity)
            return max;
        var item = 0;
        while (logits[item] < float.PositiveInfinity)
            item++;
        throw new InvalidLogitsException(item, logits[item]);
    }

    /// <summary>weights[i] = exp((logits[i] − max) / temperature).</summary>
    public static void Weigh(ReadOnlySpan<float> logits, double max, double temperature, Span<double> weights)
    {
        // Block by block, so that the four passes stay in the first-level cache.
        for (var start = 0; start < logits.Length; start += BlockLength)
        {
            var length = Math.Min(BlockLength, logits.Length - start);
            var block = weights.Slice(start, length);
            TensorPrimitives.ConvertTruncating(logits.Slice(start, length), block);
            TensorPrimitives.Subtract(block, max, block);
            TensorPrimitives.Divide(block, temperature, block);
            Exponential.Apply(block);
        }
    }

    /// <summary>ln Σ exp(logits[i]); −∞ for an empty row and for one of nothing but −∞.</summary>
    /// <exception cref="InvalidLogitsException">A logit is NaN or +∞.</exception>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var max = MaxOf(logits);
        if (float.IsNegativeInfinity(max))
            return double.NegativeInfinity;
        var total = default(CompensatedSum);
        Span<double> weights = stackalloc double[BlockLength];
        for (var start = 0; start < logits.Length; start += BlockLength)
        {
            var block = logits.Slice(start, Math.Min(BlockLength, logits.Length - start));
            Weigh(block, max, 1, weights);
            total.Add(OrderedSum.Of(weights[..block.Length]));
        }

        return max + Math.Log(total.Value);
    }
}
