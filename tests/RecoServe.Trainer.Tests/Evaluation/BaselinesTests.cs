using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class BaselinesTests
{
    // Training events: 1 2 1 3 | 1 2 | 4 (the last two of the first and third user are held out).
    private readonly LeaveOneOutSplit _split = new(Logs.Of(5, [1, 2, 1, 3, 5, 5], [1, 2], [4, 5, 5]));

    [Fact]
    public void Pop_Scores_AreTrainingCounts() => Assert.Equal([3, 2, 1, 1, 0], Score("pop", [4]));

    [Fact]
    public void Markov1_Scores_AreTransitionsFromTheLastItem()
    {
        Assert.Equal([3 * 1e-9, 2 + (2 * 1e-9), 1 + 1e-9, 1e-9, 0], Score("markov1", [3, 1]));
        Assert.Equal([1 + (3 * 1e-9), 2 * 1e-9, 1e-9, 1e-9, 0], Score("markov1", [1, 2]));
        Assert.Equal([3 * 1e-9, 2 * 1e-9, 1e-9, 1e-9, 0], Score("markov1", [4]));
    }

    [Fact]
    public void Cooc10_Scores_DiscountDistancePopularityAndAge()
    {
        // Pairs in order: 1→2 (1 + 1), 1→1 (1/2), 1→3 (1/3 + 1), 2→1 (1), 2→3 (1/2).
        var fromOne = new[] { .5 / Math.Sqrt(3), 2 / Math.Sqrt(2), 4 / 3.0, 0, 0 };
        var fromTwo = new[] { 1 / Math.Sqrt(3), 0, .5, 0, 0 };
        var pop = new[] { 3e-9, 2e-9, 1e-9, 1e-9, 0 };

        var scores = Score("cooc10", [1, 2]);

        for (var i = 0; i < 5; i++)
            Assert.Equal(fromTwo[i] + (fromOne[i] / 2) + pop[i], scores[i], 1e-7);
    }

    [Fact]
    public void Followers_BeyondTheWindowOrOfAnotherUser_DoNotCount()
    {
        int[] history = [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4, 5, 5];
        int[] other = [1, 5, 5];
        double[] scales = [1, 1, 1, 10, 1, 1];
        var matrix = FollowerMatrix.Count(new LeaveOneOutSplit(Logs.Of(5, history, other)), window: 10, scales);

        Assert.Equal("2 3", string.Join(" ", matrix.FollowersOf(1).ToArray()));
        Assert.Equal(1f, matrix.WeightsOf(1)[1], 1e-6f);
        Assert.Equal(Enumerable.Range(1, 9).Sum(d => 1f / d), matrix.WeightsOf(1)[0], 1e-6f);
    }

    private double[] Score(string baseline, int[] history)
    {
        var scorer = Baselines.ByName[baseline](_split);
        var scores = new double[2 * 6];
        scorer.Score([_split.QuestionOf(_split.HeldOutOf(SplitPart.Test)[0]), new Question(0, history, default)], scores);
        return scores[7..];
    }
}
