using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class PremiumRewardTests
{
    /// <summary>At full capacity the policy becomes p · R: reward ρ on premium items is ln ρ on their logits.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public void Train_RewardOnPremium_IsTheSameAsAddingItsLogarithmToTheLogits(double reward)
    {
        const int States = 3, Items = 20;
        var random = new Random(7);
        var rows = (from s in Enumerable.Range(0, States) from a in Enumerable.Range(1, Items) select new LoggedRow(s, a, random.NextDouble(), 1, 1)).ToArray();
        var total = rows.Sum(r => r.Mass);
        rows = [.. rows.Select(r => r with { Mass = r.Mass / total })];
        using var plain = new TabularPolicy(States, Items);
        using var trained = new TabularPolicy(States, Items);
        plain.Train(new ObjectiveOptions(), rows, 1500, 5);
        trained.Train(new ObjectiveOptions(), [.. rows.Select(r => r with { Reward = IsPremium(r.Item) ? reward : 1 })], 1500, 5);
        for (var s = 0; s < States; s++)
        {
            var shifted = plain.Probabilities(s).Select((p, a) => p * (IsPremium(a + 1) ? reward : 1)).ToArray();
            var sum = shifted.Sum();
            Assert.Equal(shifted.Select(p => p / sum), trained.Probabilities(s), (e, a) => Math.Abs(e - a) < 1e-3);
        }
    }

    private static bool IsPremium(int item) => item % 5 == 0;
}
