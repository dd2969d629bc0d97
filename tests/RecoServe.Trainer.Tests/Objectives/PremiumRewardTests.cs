using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class PremiumRewardTests(ITestOutputHelper output)
{
    /// <summary>At full capacity the policy becomes p · R: reward ρ on premium items is ln ρ on their logits.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Train_RewardOnPremium_IsTheSameAsAddingItsLogarithmToTheLogits(double reward)
    {
        const int States = 10, Items = 40, Length = 5;
        var random = new Random(7);
        var rows = (from s in Enumerable.Range(0, States) from a in Enumerable.Range(1, Items) select new LoggedRow(s, a, random.NextDouble(), 1, 1)).ToArray();
        var total = rows.Sum(r => r.Mass);
        rows = [.. rows.Select(r => r with { Mass = r.Mass / total })];
        using var plain = new TabularPolicy(States, Items);
        using var trained = new TabularPolicy(States, Items);
        plain.Train(new ObjectiveOptions(), rows, 1500, 35);
        trained.Train(new ObjectiveOptions(), [.. rows.Select(r => r with { Reward = IsPremium(r.Item) ? reward : 1 })], 1500, 35);
        var (recall, share) = (new double[2], new double[2]);
        for (var s = 0; s < States; s++)
        {
            var shifted = plain.Probabilities(s).Select((p, a) => p * (IsPremium(a + 1) ? reward : 1)).ToArray();
            var sum = shifted.Sum();
            Assert.Equal(shifted.Select(p => p / sum), trained.Probabilities(s), (e, a) => Math.Abs(e - a) < 1e-3);
            foreach (var (i, scores) in new[] { trained.Probabilities(s), shifted }.Index())
            {
                int[] list = [.. Enumerable.Range(0, Items).OrderByDescending(a => scores[a]).Take(Length)];
                recall[i] += list.Sum(a => rows[(s * Items) + a].Mass);
                share[i] += list.Count(a => IsPremium(a + 1)) / (double)(Length * States);
            }
        }

        output.WriteLine($"reward {reward} on premium: recall@{Length} {recall[0]:F4} trained, {recall[1]:F4} shifted; premium share {share[0]:F4} and {share[1]:F4}");
        Assert.Equal(1, recall[0] / recall[1], 0.01);
        Assert.Equal(share[1], share[0], 0.01);
    }

    private static bool IsPremium(int item) => item % 5 == 0;
}
