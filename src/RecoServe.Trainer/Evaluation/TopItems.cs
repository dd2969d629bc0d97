namespace RecoServe.Trainer.Evaluation;

/// <summary>The list that would be shown: the best unseen items. Not thread-safe: one per thread.</summary>
/// <param name="itemCount">Number of items N.</param>
internal sealed class TopItems(int itemCount)
{
    private readonly int[] _seenAt = new int[itemCount + 1];
    private int _now;

    /// <summary>Finds the items with the greatest scores, best first; of equal scores the smaller index is first.</summary>
    /// <param name="scores">[N + 1]; entry 0 is not read. Items with −∞ cannot be shown.</param>
    /// <param name="seen">Items to leave out, repeats allowed: also the target, where it was seen before.</param>
    /// <param name="list">Filled from the front; 0 where no item is left.</param>
    public void Find(ReadOnlySpan<double> scores, ReadOnlySpan<int> seen, Span<int> list)
    {
        _now++;
        foreach (var item in seen)
            _seenAt[item] = _now;
        list.Clear();
        var count = 0;
        for (var item = 1; item < scores.Length; item++)
        {
            var score = scores[item];
            if (double.IsNegativeInfinity(score) || (count == list.Length && score <= scores[list[^1]]) || _seenAt[item] == _now)
                continue;
            var place = count < list.Length ? count++ : count - 1;
            for (; place > 0 && scores[list[place - 1]] < score; place--)
                list[place] = list[place - 1];
            list[place] = item;
        }
    }
}
