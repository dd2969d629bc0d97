using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>The softmax over the eligible items of one row, in double precision.</summary>
/// <param name="Reference">The logit of weight 1, one of the largest: the weight of item i is exp((logitᵢ − Reference) / Temperature).</param>
/// <param name="Temperature">The divisor of the logits.</param>
/// <param name="Total">The sum of all weights: the normaliser.</param>
internal readonly record struct Softmax(double Reference, double Temperature, double Total)
{
    private const int BlockLength = 1024;

    /// <summary>Weights that are all 1, without a total: a mass is then a number of items.</summary>
    public static Softmax Ones { get; } = new(0, double.PositiveInfinity, 0);

    /// <summary>The probability of an item with this logit; 0 where it is below the smallest double.</summary>
    public double Probability(float logit) => Weight(logit) / Total;

    /// <summary>The weight of an item with this logit.</summary>
    public double Weight(float logit) => Exponential.Of((logit - Reference) * (1 / Temperature));

    /// <summary>The largest logit of a row; −∞ if no item is eligible.</summary>
    /// <param name="logits">The row, or a part of it.</param>
    /// <param name="firstItem">The index of the first of them.</param>
    /// <exception cref="InvalidLogitsException">A logit is NaN or +∞.</exception>
    public static float MaxOf(ReadOnlySpan<float> logits, int firstItem = 0)
    {
        // Max propagates NaN, so that the usual row is examined in one vectorised pass.
        var max = logits.IsEmpty ? float.NegativeInfinity : TensorPrimitives.Max(logits);
        if (max < float.PositiveInfinity)
            return max;
        var item = 0;
        while (logits[item] < float.PositiveInfinity)
            item++;
        throw new InvalidLogitsException(firstItem + item, logits[item]);
    }

    /// <summary>weights[i] = exp((logits[i] − reference) / temperature).</summary>
    public static void Weigh(ReadOnlySpan<float> logits, double reference, double temperature, Span<double> weights)
    {
        var scale = 1 / temperature;
        var (references, scales) = (Vector512.Create(reference), Vector512.Create(scale));
        var from = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        var to = MemoryMarshal.Cast<double, Vector512<double>>(weights[..logits.Length]);
        for (var i = 0; i < to.Length; i++)
        {
            var logit = Vector512.Create(Vector256.WidenLower(from[i]), Vector256.WidenUpper(from[i]));
            to[i] = Exponential.Of((logit - references) * scales);
        }

        for (var i = to.Length * Vector512<double>.Count; i < logits.Length; i++)
            weights[i] = Exponential.Of((logits[i] - reference) * scale);
    }

    /// <summary>The sum of the weights whose logits are at or above a threshold.</summary>
    /// <param name="logits">A multiple of 8.</param>
    /// <param name="threshold">The threshold.</param>
    /// <param name="weights">A weight for each logit.</param>
    public static double SumAtOrAbove(ReadOnlySpan<float> logits, float threshold, ReadOnlySpan<double> weights)
    {
        var from = MemoryMarshal.Cast<float, Vector256<float>>(logits);
        var eights = MemoryMarshal.Cast<double, Vector512<double>>(weights);
        var thresholds = Vector512.Create((double)threshold);
        var sum = Vector512<double>.Zero;
        for (var i = 0; i < eights.Length; i++)
        {
            var logit = Vector512.Create(Vector256.WidenLower(from[i]), Vector256.WidenUpper(from[i]));
            sum += Vector512.GreaterThanOrEqual(logit, thresholds) & eights[i];
        }

        return (sum[0] + sum[4] + (sum[2] + sum[6])) + (sum[1] + sum[5] + (sum[3] + sum[7]));
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
