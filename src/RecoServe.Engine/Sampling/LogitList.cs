using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RecoServe.Engine.Sampling;

/// <summary>
/// Some of a row's logits, in index order, in memory that is longer than they are: passes read it in whole steps, and the rest
/// of the last step is −∞.
/// </summary>
internal ref struct LogitList
{
    /// <summary>Elements that the memory must have beyond the logits.</summary>
    public const int Slack = RowPasses.Step;

    private readonly Span<float> _memory;

    /// <summary>An empty list in memory that holds the logits and <see cref="Slack"/> more.</summary>
    public LogitList(Span<float> memory) => _memory = memory;

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>The logits.</summary>
    public readonly Span<float> Logits => _memory[..Count];

    /// <summary>The logits and what fills the last step. Valid after <see cref="Pad"/>.</summary>
    public readonly ReadOnlySpan<float> Padded => _memory[..((Count + RowPasses.Step - 1) / RowPasses.Step * RowPasses.Step)];

    /// <summary>Fills the last step. To be called before the list is read by a pass.</summary>
    public readonly void Pad() => _memory[Count..Padded.Length].Fill(float.NegativeInfinity);

    /// <summary>Forgets the logits.</summary>
    public void Clear() => Count = 0;

    /// <summary>Appends elements of any value.</summary>
    public void Extend(int count) => Count += count;

    /// <summary>Appends those of some logits that are in [low, high).</summary>
    /// <param name="logits">
    /// A multiple of <see cref="RowPasses.Step"/>; may be this list's memory from the start, while this list is empty.
    /// </param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <returns>How many are at or above <paramref name="high"/>.</returns>
    public int Append(scoped ReadOnlySpan<float> logits, float low, float high)
    {
        var above = 0;
        Count += RowPasses.List(logits, low, high, _memory[Count..], ref above);
        return above;
    }

    /// <summary>The same, and sums the weights of all of them.</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="low">Above −∞.</param>
    /// <param name="high">Above <paramref name="low"/>.</param>
    /// <param name="single">The weights.</param>
    /// <param name="above">The number of logits at or above <paramref name="high"/> is added.</param>
    public PassSums AppendAndSum(scoped ReadOnlySpan<float> logits, float low, float high, in SingleWeights single, ref int above)
    {
        var sums = RowPasses.SumAndList(logits, single, low, high, _memory[Count..], out var listed, ref above);
        Count += listed;
        return sums;
    }

    /// <summary>Appends the few of some logits that are at or above a threshold, and sums the weights of all of them.</summary>
    /// <param name="logits">A multiple of <see cref="RowPasses.Step"/>.</param>
    /// <param name="threshold">Above −∞.</param>
    /// <param name="single">The weights.</param>
    public PassSums AppendFewAndSum(scoped ReadOnlySpan<float> logits, float threshold, in SingleWeights single)
    {
        var sums = RowPasses.SumAndListFew(logits, single, threshold, _memory[Count..], out var listed);
        Count += listed;
        return sums;
    }

    /// <summary>Sums the weights of those elements that belong to the prefix of a ranking.</summary>
    /// <param name="start">The first element.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="edge">The logit of the prefix's last element.</param>
    /// <param name="lastTie">The last element of this logit that belongs to it.</param>
    /// <param name="single">The weights.</param>
    public readonly double SumOfPrefix(int start, int end, float edge, int lastTie, in SingleWeights single)
    {
        var (scale, scaleError, shift, least) = single;
        var (edges, lastTies) = (Vector512.Create(edge), Vector512.Create(lastTie));
        var positions = Vector512<int>.Indices + Vector512.Create(start);
        var sum = Vector512<float>.Zero;
        for (var i = start; i < end; i += Vector512<float>.Count)
        {
            var logits = Vector512.LoadUnsafe(ref _memory[i]);
            var belongs = RankKey.IsInPrefix(logits, positions, edges, lastTies)
                & Vector512.LessThan(positions, Vector512.Create(end)).AsSingle();
            sum += belongs & SingleWeights.Of(logits, scale, scaleError, shift, least);
            positions += Vector512.Create(Vector512<int>.Count);
        }

        return RowPasses.Sum(sum);
    }

    /// <summary>How many equal a logit. After <see cref="Pad"/>.</summary>
    public readonly int CountOf(float logit)
    {
        var (ties, count) = (Vector512.Create(logit), 0);
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(Padded))
            count += BitOperations.PopCount(Vector512.Equals(sixteen, ties).ExtractMostSignificantBits());
        return count;
    }

    /// <summary>The least logit above another; +∞ if there is none. After <see cref="Pad"/>.</summary>
    public readonly float LeastAbove(float logit)
    {
        var (than, least) = (Vector512.Create(logit), Vector512.Create(float.PositiveInfinity));
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(Padded))
            least = Vector512.ConditionalSelect(Vector512.GreaterThan(sixteen, than), Vector512.MinNative(sixteen, least), least);
        return -RowPasses.MaxOf(-least);
    }

    /// <summary>The largest logit below another; −∞ if there is none. After <see cref="Pad"/>.</summary>
    public readonly float LargestBelow(float logit)
    {
        var (than, largest) = (Vector512.Create(logit), Vector512.Create(float.NegativeInfinity));
        foreach (var sixteen in MemoryMarshal.Cast<float, Vector512<float>>(Padded))
            largest = Vector512.ConditionalSelect(Vector512.LessThan(sixteen, than), Vector512.MaxNative(sixteen, largest), largest);
        return RowPasses.MaxOf(largest);
    }
}
