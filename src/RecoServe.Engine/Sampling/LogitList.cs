using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Some of a row's logits, in index order, and their weights, in memory that is longer than they are: passes read it in whole
/// steps, and the rest of the last step is −∞.
/// </summary>
internal ref struct LogitList
{
    /// <summary>Elements that the memory must have beyond the logits.</summary>
    public const int Slack = RowPasses.Step;

    private readonly Span<float> _logits;
    private readonly Span<float> _weights;

    /// <summary>An empty list in memory that holds the logits and <see cref="Slack"/> more.</summary>
    public LogitList(Span<float> logits, Span<float> weights)
    {
        _logits = logits;
        _weights = weights;
    }

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>The logits.</summary>
    public readonly Span<float> Logits => _logits[..Count];

    /// <summary>The weights, after <see cref="Weigh"/>.</summary>
    public readonly Span<float> Weights => _weights[..Count];

    private readonly int PaddedCount => (Count + RowPasses.Step - 1) / RowPasses.Step * RowPasses.Step;

    private readonly Span<float> PaddedLogits => _logits[..PaddedCount];

    private readonly Span<float> PaddedWeights => _weights[..PaddedCount];

    /// <summary>Forgets the logits.</summary>
    public void Clear() => Count = 0;

    /// <summary>Appends elements of any value, to be written.</summary>
    public Span<float> Extend(int count)
    {
        Count += count;
        Pad();
        return _logits[(Count - count)..Count];
    }

    /// <summary>Appends those of some logits that are in [low, high).</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Not below <paramref name="low"/>.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    public void Append(scoped ReadOnlySpan<float> logits, float low, float high, ref int above) =>
        Count += ThresholdPasses.List(logits, low, high, _logits[Count..], ref above);

    /// <summary>The same, and sums the weights of all of them.</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Not below <paramref name="low"/>.</param>
    /// <param name="single">The weights.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    public PassSums AppendAndSum(scoped ReadOnlySpan<float> logits, float low, float high, in SingleWeights single, ref int above)
    {
        var sums = RowPasses.SumAndList(logits, single, low, high, _logits[Count..], out var listed, ref above);
        Count += listed;
        return sums;
    }

    /// <summary>Becomes what another list has in [low, high), with its weights. The other may be this list itself.</summary>
    /// <param name="source">Weighed.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <returns>How many are at or above <paramref name="high"/>.</returns>
    public int Take(scoped in LogitList source, float low, float high)
    {
        var above = 0;
        Count = ThresholdPasses.List(source.PaddedLogits, source.PaddedWeights, low, high, _logits, _weights, ref above);
        Pad();
        return above;
    }

    /// <summary>Gives the logits their weights, and returns the sum.</summary>
    public readonly double Weigh(in SingleWeights single)
    {
        Pad();
        return RowPasses.Weigh(PaddedLogits, single, PaddedWeights);
    }

    /// <summary>Gives every logit the weight 1: a mass is then a number of items.</summary>
    public readonly void WeighEqually()
    {
        Pad();
        _weights[..Count].Fill(1);
    }

    /// <summary>The weight of the logits at or above each of four thresholds.</summary>
    public readonly Four<double> MassAtOrAbove(in Four<float> thresholds) =>
        RowPasses.SumAtOrAbove(PaddedLogits, PaddedWeights, thresholds);

    /// <summary>How many are at or above a threshold.</summary>
    public readonly int CountAtOrAbove(float threshold) => ThresholdPasses.Count(PaddedLogits, threshold);

    /// <summary>Sums the weights of those elements that belong to the prefix of a ranking.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="edge">The logit of the prefix's last element.</param>
    /// <param name="lastTie">The last element of this logit that belongs to it.</param>
    public readonly double SumOfPrefix(int start, int end, float edge, int lastTie)
    {
        var (edges, lastTies, ends) = (Vector512.Create(edge), Vector512.Create(lastTie), Vector512.Create(end));
        var positions = Vector512<int>.Indices + Vector512.Create(start);
        var sum = Vector512<double>.Zero;
        for (var i = start; i < end; i += Vector512<float>.Count)
        {
            var belongs = RankKey.IsInPrefix(Vector512.LoadUnsafe(ref _logits[i]), positions, edges, lastTies)
                & Vector512.LessThan(positions, ends).AsSingle();
            sum += LaneSum.Widen(belongs & Vector512.LoadUnsafe(ref _weights[i]));
            positions += Vector512.Create(Vector512<int>.Count);
        }

        return LaneSum.Fold(sum);
    }

    /// <summary>Sums all weights, and those at or above a threshold, in double precision; after <see cref="Weigh"/>.</summary>
    public readonly (double Total, double Above) SumExactly(float threshold, in Softmax softmax)
    {
        var (total, above) = (default(CompensatedSum), default(CompensatedSum));
        Span<double> weights = stackalloc double[LogitRow.BlockLength];
        ReadOnlySpan<float> rest = PaddedLogits;
        while (!rest.IsEmpty)
        {
            var logits = rest[..Math.Min(rest.Length, weights.Length)];
            Softmax.Weigh(logits, softmax.Reference, softmax.Temperature, weights);
            total.Add(OrderedSum.Of(weights[..logits.Length]));
            above.Add(Softmax.SumAtOrAbove(logits, threshold, weights[..logits.Length]));
            rest = rest[logits.Length..];
        }

        return (total.Value, above.Value);
    }

    /// <summary>Where, of the elements that equal a logit, that of a number stands, from 1; there are as many.</summary>
    public readonly int PositionOf(float logit, int number) => ThresholdPasses.PositionOf(PaddedLogits, logit, number);

    /// <summary>How many equal a logit.</summary>
    public readonly int CountOf(float logit)
    {
        var (ties, count) = (Vector512.Create(logit), 0);
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(PaddedLogits))
            count += BitOperations.PopCount(Vector512.Equals(sixteen, ties).ExtractMostSignificantBits());
        return count;
    }

    /// <summary>The least logit above another; +∞ if there is none.</summary>
    public readonly float LeastAbove(float logit)
    {
        var (than, least) = (Vector512.Create(logit), Vector512.Create(float.PositiveInfinity));
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(PaddedLogits))
            least = Vector512.ConditionalSelect(Vector512.GreaterThan(sixteen, than), Vector512.MinNative(sixteen, least), least);
        return -RowPasses.MaxOf(-least);
    }

    /// <summary>The largest logit below another; −∞ if there is none.</summary>
    public readonly float LargestBelow(float logit)
    {
        var (than, largest) = (Vector512.Create(logit), Vector512.Create(float.NegativeInfinity));
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(PaddedLogits))
            largest = Vector512.ConditionalSelect(Vector512.LessThan(sixteen, than), Vector512.MaxNative(sixteen, largest), largest);
        return RowPasses.MaxOf(largest);
    }

    // The last step's rest weighs nothing.
    private readonly void Pad()
    {
        _logits[Count..PaddedCount].Fill(float.NegativeInfinity);
        _weights[Count..PaddedCount].Clear();
    }
}
