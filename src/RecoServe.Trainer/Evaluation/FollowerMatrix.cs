using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Evaluation;

/// <summary>
/// How strongly each item is followed by each other item in the training events: w(a, b) = scale(b) · Σ 1 / d over all pairs
/// where b stands d ≤ window places after a with the same user. Sparse rows, sums in float32. Immutable.
/// </summary>
internal sealed class FollowerMatrix
{
    private readonly int[][] _items;
    private readonly float[][] _weights;

    private FollowerMatrix(int[][] items, float[][] weights) => (_items, _weights) = (items, weights);

    /// <summary>The items that follow <paramref name="item"/>, in no order, each once.</summary>
    public ReadOnlySpan<int> FollowersOf(int item) => _items[item];

    /// <summary>w(item, b) for each b of <see cref="FollowersOf"/>.</summary>
    public ReadOnlySpan<float> WeightsOf(int item) => _weights[item];

    /// <summary>Counts the pairs. Time O(events × window), memory O(events + distinct pairs).</summary>
    /// <param name="split">Training events.</param>
    /// <param name="window">Greatest distance, 1 or more.</param>
    /// <param name="scales">The factor of each item as a follower, [N + 1].</param>
    public static FollowerMatrix Count(EvaluationSplit split, int window, double[] scales)
    {
        var (events, starts, positions) = ByItem(split);
        var items = new int[starts.Length - 1][];
        var weights = new float[starts.Length - 1][];
        var sums = new float[starts.Length - 1];
        var followers = new List<int>();
        for (var item = 0; item < items.Length; item++)
        {
            foreach (var position in positions.AsSpan(starts[item], starts[item + 1] - starts[item]))
            {
                // 0 after each user's events ends the window.
                for (var d = 1; d <= window && events[position + d] is var next and not 0; d++)
                {
                    if (sums[next] == 0)
                        followers.Add(next);
                    sums[next] += 1f / d;
                }
            }

            items[item] = [.. followers];
            weights[item] = [.. followers.Select(f => (float)(sums[f] * scales[f]))];
            foreach (var follower in followers)
                sums[follower] = 0;
            followers.Clear();
        }

        return new FollowerMatrix(items, weights);
    }

    /// <summary>All training events with a 0 after each user's, and where in it each item stands (counting sort).</summary>
    private static (int[] Events, int[] Starts, int[] Positions) ByItem(EvaluationSplit split)
    {
        WatchLog log = split.Log;
        var counts = split.CountTrainingItems();
        var starts = new int[counts.Length + 1];
        for (var item = 0; item < counts.Length; item++)
            starts[item + 1] = starts[item] + counts[item];
        var events = new int[starts[^1] + log.UserCount];
        var positions = new int[starts[^1]];
        var free = starts.AsSpan(0, counts.Length).ToArray();
        var end = 0;
        for (var user = 0; user < log.UserCount; user++)
        {
            foreach (var item in split.TrainingItemsOf(user).Span)
            {
                positions[free[item]++] = end;
                events[end++] = item;
            }

            end++;
        }

        return (events, starts, positions);
    }
}
