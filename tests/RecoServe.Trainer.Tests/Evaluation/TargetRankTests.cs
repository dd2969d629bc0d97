using CsCheck;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class TargetRankTests
{
    [Theory]
    [InlineData("Optimistic", 2)]
    [InlineData("Pessimistic", 4)]
    [InlineData("Mean", 3)]
    [InlineData("Index", 3)]
    public void Of_Ties_FollowTheRule(string ties, double expected) =>
        Assert.Equal(expected, new TargetRank(5).Of([9, 1, 2, 1, 1, 0], target: 3, [], Enum.Parse<TieRule>(ties)));

    /// <summary>Items 2 to 5 tie behind item 1; 4 and 2 of them are relevant.</summary>
    [Theory]
    [InlineData("Optimistic", 2, 3)]
    [InlineData("Pessimistic", 4, 5)]
    [InlineData("Mean", 3, 4)]
    [InlineData("Index", 4, 2)]
    public void Of_RelevantItemsThatTie_TakeOnePlaceEach(string ties, double first, double second)
    {
        var rank = new TargetRank(6);
        double Of(int target) => rank.Of([0, 9, 1, 1, 1, 1, 0], target, [], Enum.Parse<TieRule>(ties), [4, 2]);

        Assert.Equal((first, second), (Of(4), Of(2)));
    }

    [Fact]
    public void Of_SeenItems_AreLeftOutOnce_ButNeverTheTarget()
    {
        var rank = new TargetRank(4);

        Assert.Equal(2, rank.Of([0, 5, 4, 3, 2], target: 3, [1, 1, 3], TieRule.Optimistic));
        Assert.Equal(3, rank.Of([0, 5, 4, 3, 2], target: 3, [], TieRule.Optimistic));
    }

    [Fact]
    public void Of_AnyScores_EqualsTheDefinition() =>
        Gen.Select(Gen.Int[-3, 3].Array[1, 70], Gen.Int[0, 69], Gen.Int[0, 69].Array[0, 20], Gen.Enum<TieRule>()).Sample((values, pick, seen, ties) =>
        {
            double[] specials = [double.NegativeInfinity, -1000, -1, 0, 1, 1000, double.PositiveInfinity];
            double[] scores = [double.NaN, .. values.Select(v => specials[v + 3])];
            var target = (pick % values.Length) + 1;
            int[] history = [.. seen.Select(s => (s % values.Length) + 1)];

            var rivals = Enumerable.Range(1, values.Length).Where(i => i != target && !history.Contains(i)).ToList();
            var (better, equal) = (rivals.Count(i => scores[i] > scores[target]), rivals.Count(i => scores[i] == scores[target]));
            var before = rivals.Count(i => scores[i] == scores[target] && i < target);
            var among = ties switch { TieRule.Optimistic => 0, TieRule.Pessimistic => equal, TieRule.Mean => equal / 2.0, _ => before };
            var expected = double.IsNegativeInfinity(scores[target]) ? double.PositiveInfinity : 1 + better + among;

            Assert.Equal(expected, new TargetRank(values.Length).Of(scores, target, history, ties));
        });

    [Theory]
    [InlineData("Optimistic")]
    [InlineData("Pessimistic")]
    [InlineData("Mean")]
    public void Of_TargetWithoutScore_IsNeverFound(string ties) =>
        Assert.Equal(
            double.PositiveInfinity,
            new TargetRank(2).Of([0, double.NegativeInfinity, double.NegativeInfinity], target: 1, [], Enum.Parse<TieRule>(ties)));

    [Fact]
    public void Of_NaNAnywhere_IsNaN()
    {
        for (var length = 1; length <= 40; length++)
        {
            for (var bad = 1; bad <= length; bad++)
            {
                var scores = new double[length + 1];
                scores[bad] = double.NaN;
                Assert.Equal(double.NaN, new TargetRank(length).Of(scores, 1, [bad], TieRule.Optimistic));
            }
        }
    }
}
