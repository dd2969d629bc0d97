namespace RecoServe.Trainer.Data;

/// <summary>Some of one user's rows of a <see cref="FeedbackLog"/>, in order of time.</summary>
/// <param name="Steps">Number of the user's watches before each row.</param>
/// <param name="Items">The items shown.</param>
/// <param name="Rewards">What came of it, 0 or more.</param>
/// <param name="Propensities">In (0, 1]; null if not known.</param>
/// <param name="Slots">From 1; null if not known.</param>
/// <param name="Context">For each context field, the code at every row.</param>
/// <param name="Times">Milliseconds since 1970 UTC; null if they were not kept.</param>
internal sealed record FeedbackRows(
    ReadOnlyMemory<int> Steps,
    ReadOnlyMemory<int> Items,
    ReadOnlyMemory<float> Rewards,
    ReadOnlyMemory<float>? Propensities,
    ReadOnlyMemory<ushort>? Slots,
    IReadOnlyList<ReadOnlyMemory<ushort>> Context,
    ReadOnlyMemory<long>? Times = null)
{
    /// <summary>Number of rows.</summary>
    public int Count => Items.Length;

    /// <summary>The rows with <paramref name="first"/> ≤ step &lt; <paramref name="end"/>.</summary>
    public FeedbackRows Between(int first, int end)
    {
        var (from, to) = (LowerBound(first), LowerBound(end));
        var range = from..Math.Max(from, to);
        return new FeedbackRows(
            Steps[range], Items[range], Rewards[range], Propensities?[range], Slots?[range], [.. Context.Select(c => c[range])], Times?[range]);
    }

    /// <summary>The rows whose number in here fulfils a condition.</summary>
    public FeedbackRows Where(Func<int, bool> holds)
    {
        int[] kept = [.. Enumerable.Range(0, Count).Where(holds)];
        return kept.Length == Count ? this : new FeedbackRows(
            Some(Steps), Some(Items), Some(Rewards), SomeOf(Propensities), SomeOf(Slots), [.. Context.Select(Some)], SomeOf(Times));

        ReadOnlyMemory<T> Some<T>(ReadOnlyMemory<T> column) => Array.ConvertAll(kept, row => column.Span[row]);
        ReadOnlyMemory<T>? SomeOf<T>(ReadOnlyMemory<T>? column) => column is { } known ? Some(known) : default(ReadOnlyMemory<T>?);
    }

    private int LowerBound(int step)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Steps.Span[middle] < step)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
