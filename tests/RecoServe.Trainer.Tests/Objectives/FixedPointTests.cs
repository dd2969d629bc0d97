using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>Chen et al., WSDM 2019, section 6.1: a policy without states, ten items, exact expectations, rate 0.1.</summary>
[Collection(Torch.Collection)]
public sealed class FixedPointTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-3;

    [Fact]
    public void Clicks_BecomeWhatWasShownTimesItsReward()
    {
        var policy = Train(ObjectiveKind.Clicks, Skewed, steps: 1000, rate: .5);
        Close([.. Enumerable.Range(1, 10).Select(i => i * (11 - i) / 220.0)], policy, "clicks, skewed log");
        Close([5.5], [Reward(policy)], "reward of it");
    }

    [Fact]
    public void Ips_BecomesTheReward()
    {
        var policy = Train(ObjectiveKind.Ips, Skewed, steps: 1000);
        Close([.. Enumerable.Range(1, 10).Select(i => i / 55.0)], policy, "ips, skewed log");
        Close([7], [Reward(policy)], "reward of it");
    }

    [Theory]
    [InlineData(100, .9480)]
    [InlineData(1000, .99696)]
    public void Reinforce_GoesToTheBestItem(int steps, double expected) =>
        Close([expected], [Train(ObjectiveKind.Reinforce, Skewed, steps)[9]], $"reinforce, skewed log, best item after {steps} steps");

    [Fact]
    public void Reinforce_TwoGoodItems_PutsAllOnTheFirst() =>
        Close([.99798], [Train(ObjectiveKind.Reinforce, TwoGood, 1000)[0]], "reinforce, two good items, the first after 1000 steps");

    [Fact]
    public void TopTwo_TwoGoodItems_SharesAsTheClosedForm()
    {
        var early = Train(ObjectiveKind.TopK, TwoGood, 1000, slateSize: 2);
        Close([.525335, .472498], early[..2], "top-2, two good items, after 1000 steps");
        var late = Train(ObjectiveKind.TopK, TwoGood, 3000, slateSize: 2, rate: .2);
        Close([10 / 19.0, 9 / 19.0], late[..2], "top-2, two good items, in the end");
        Assert.Equal(14.263, Enumerable.Range(0, 10).Sum(a => TwoGood[a].Reward * (1 - Math.Pow(1 - late[a], 2))), 0.01);
    }

    [Theory]
    [InlineData(4, .508779, .491221, 0)]
    [InlineData(8, .314606, .304212, .047648)]
    [InlineData(16, .205955, .200358, .074211)]
    public void TopK_TwoGoodItems_SharesAsTheClosedForm(int slateSize, double first, double second, double others)
    {
        var policy = Train(ObjectiveKind.TopK, TwoGood, slateSize == 4 ? 8000 : 2000, slateSize, rate: .2);
        Close([first, second, .. Enumerable.Repeat(others, 8)], policy, $"top-{slateSize}, two good items, in the end");
    }

    [Fact]
    public void WeightCap_LeavesTheSkewOfTheLogAboveIt()
    {
        // 1/β is at most 11: the items shown most have 5.5 to 11. With all of them cut to 5.5 nothing is corrected.
        var options = new ObjectiveOptions { Kind = ObjectiveKind.Ips, WeightCap = 5.5, SelfNormalise = false };
        Close([.. Enumerable.Range(1, 10).Select(i => i * (11 - i) / 220.0)], Train(options, Skewed, 1000, .2), "ips capped at 5.5, skewed log");
    }

    [Fact]
    public void SelfNormalise_ChangesTheRateOfLearningOnly()
    {
        var options = new ObjectiveOptions { Kind = ObjectiveKind.Ips, SelfNormalise = true };
        Close([.. Enumerable.Range(1, 10).Select(i => i / 55.0)], Train(options, Skewed, 1000, .5), "ips self-normalised, skewed log");
    }

    /// <summary>Without λ every reward attracts, so what is logged gains; with λ above them all it loses instead.</summary>
    [Fact]
    public void Baseline_IsATranslationOfTheReward()
    {
        var shifted = Train(new ObjectiveOptions { Kind = ObjectiveKind.Reinforce, SelfNormalise = false, Baseline = 4 }, Skewed, 200, .1);
        var plain = Train(ObjectiveKind.Reinforce, [.. Skewed.Select(r => r with { Reward = r.Reward - 4 })], 200);
        Close(plain, shifted, "reinforce with λ = 4 against rewards less 4");

        // All items logged, exact expectation: a translation is no other optimum.
        Assert.InRange(shifted[9], .9, 1);

        // Only what was logged counts: without a baseline the probability goes to the logged items whatever they brought.
        LoggedRow[] poor = [.. Skewed.Take(5)];
        Assert.InRange(Train(ObjectiveKind.Reinforce, poor, 500)[..5].Sum(), .99, 1);
        var wary = Train(new ObjectiveOptions { Kind = ObjectiveKind.Reinforce, SelfNormalise = false, Baseline = 6 }, poor, 300, .1);
        Assert.InRange(wary[..5].Sum(), 0, .1);
    }

    private static LoggedRow[] Skewed { get; } =
        [.. Enumerable.Range(1, 10).Select(i => new LoggedRow(0, i, (11 - i) / 55.0, (11 - i) / 55.0, i))];

    private static LoggedRow[] TwoGood { get; } =
        [.. Enumerable.Range(1, 10).Select(i => new LoggedRow(0, i, .1, .1, i <= 2 ? 11 - i : 1))];

    private static double[] Train(ObjectiveKind kind, LoggedRow[] rows, int steps, int slateSize = 1, double rate = .1) =>
        Train(new ObjectiveOptions { Kind = kind, SlateSize = slateSize, SelfNormalise = false }, rows, steps, rate);

    private static double[] Train(ObjectiveOptions options, LoggedRow[] rows, int steps, double rate)
    {
        using var policy = new TabularPolicy(states: 1, items: 10);
        policy.Train(options, rows, steps, rate);
        return policy.Probabilities(0);
    }

    private static double Reward(double[] policy) => policy.Select((p, i) => p * (i + 1)).Sum();

    private void Close(double[] expected, double[] actual, string what)
    {
        var error = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        output.WriteLine($"{what}: {string.Join(" ", actual.Select(a => $"{a:F5}"))}; largest error {error:E1}");
        Assert.Equal(expected.Length, actual.Length);
        Assert.InRange(error, 0, Tolerance);
    }
}
