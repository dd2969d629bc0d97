using System.Numerics;

namespace RecoServe.Trainer.Evaluation;

/// <summary>The rank of one target among all items that the user has not seen. Not thread-safe: one per thread.</summary>
/// <param name="itemCount">Number of items N.</param>
internal sealed class TargetRank(int itemCount)
{
    private readonly int[] _seenAt = new int[itemCount + 1];
    private int _now;

    /// <summary>
    /// 1 + the number of unseen items before the target. The target itself is never taken as seen, even if the history
    /// has it.
    /// </summary>
    /// <param name="scores">[N + 1]; entry 0 is not read.</param>
    /// <param name="target">Item index, 1…N.</param>
    /// <param name="history">Item indexes to leave out, repeats allowed.</param>
    /// <param name="ties">The target's place among equal scores.</param>
    /// <param name="relevant">All relevant items of the question, none of them in the history: those that tie take places one after
    /// another, in this order. Empty if the target is alone.</param>
    /// <returns>1…N; +∞ if the target's score is −∞, as an item that cannot be scored is never found; NaN if any item's score is NaN.</returns>
    public double Of(ReadOnlySpan<double> scores, int target, ReadOnlySpan<int> history, TieRule ties, ReadOnlySpan<int> relevant = default)
    {
        var bar = scores[target];
        if (!Count(scores[1..], bar, out var greater, out var equal))
            return double.NaN;
        if (double.IsNegativeInfinity(bar))
            return double.PositiveInfinity;

        _now++;
        _seenAt[target] = _now;
        equal--;
        foreach (var item in history)
        {
            if (_seenAt[item] == _now)
                continue;
            _seenAt[item] = _now;
            if (scores[item] > bar)
                greater--;
            else if (scores[item] == bar)
                equal--;
        }

        if (ties == TieRule.Index)
            return 1 + greater + (equal == 0 ? 0 : CountBefore(scores, target));
        var (before, others) = CountRelevant(scores, target, relevant);
        return 1 + greater + before + ties switch
        {
            TieRule.Optimistic => 0,
            TieRule.Pessimistic => equal - others,
            _ => (equal - others) / 2.0,
        };
    }

    /// <summary>Of the other relevant items those with the target's score: before it in their order, and in all.</summary>
    private static (int Before, int Others) CountRelevant(ReadOnlySpan<double> scores, int target, ReadOnlySpan<int> relevant)
    {
        var (before, others, isBefore) = (0, 0, true);
        foreach (var item in relevant)
        {
            if (item == target)
            {
                isBefore = false;
            }
            else if (scores[item] == scores[target])
            {
                others++;
                before += isBefore ? 1 : 0;
            }
        }

        return (before, others);
    }

    /// <summary>Unseen items with the target's score and a smaller index.</summary>
    private int CountBefore(ReadOnlySpan<double> scores, int target)
    {
        var before = 0;
        for (var item = 1; item < target; item++)
            before += scores[item] == scores[target] && _seenAt[item] != _now ? 1 : 0;
        return before;
    }

    /// <summary>Counts the scores above and at the bar; false if one is NaN.</summary>
    internal static bool Count(ReadOnlySpan<double> scores, double bar, out int greater, out int equal)
    {
        // Comparisons give −1 in every lane that holds: subtracting them counts. Only a number is equal to itself.
        var (above, at, numbers) = (Vector<long>.Zero, Vector<long>.Zero, Vector<long>.Zero);
        var bars = new Vector<double>(bar);
        var i = 0;
        for (; i <= scores.Length - Vector<double>.Count; i += Vector<double>.Count)
        {
            var values = new Vector<double>(scores[i..]);
            above -= Vector.GreaterThan(values, bars);
            at -= Vector.Equals(values, bars);
            numbers -= Vector.Equals(values, values);
        }

        var valid = (int)Vector.Sum(numbers);
        (greater, equal) = ((int)Vector.Sum(above), (int)Vector.Sum(at));
        for (; i < scores.Length; i++)
        {
            greater += scores[i] > bar ? 1 : 0;
            equal += scores[i] == bar ? 1 : 0;
            valid += double.IsNaN(scores[i]) ? 0 : 1;
        }

        return valid == scores.Length;
    }
}
