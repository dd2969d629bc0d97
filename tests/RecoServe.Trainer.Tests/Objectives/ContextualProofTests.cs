using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>
/// In each state E[click ∇ ln π] under the log is Σ β r ∇ ln π, so clicks lead to π ∝ β r, and clicks / β to π ∝ r: the best
/// items differ wherever argmax β r is not argmax r.
/// </summary>
[Collection(Torch.Collection)]
public sealed class ContextualProofTests(ITestOutputHelper output)
{
    /// <summary>Trained by the product's loss and weights.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Training_IpsWithEstimatedPropensities_BeatsTrueOnes_BeatClicks(int seed)
    {
        var world = new LoggedWorld(seed, states: 12, items: 80, displays: 40_000);
        var clicks = Trained(world, world.Rows, ObjectiveKind.Clicks);
        var truth = Trained(world, world.TrueRows, ObjectiveKind.Ips);
        var estimated = Trained(world, world.Rows, ObjectiveKind.Ips);
        output.WriteLine($"trained, seed {seed}: click rate of the best item {estimated:F4} with estimated, {truth:F4} with true propensities, {clicks:F4} unweighted");
        Assert.True(estimated > truth && truth > clicks, $"{estimated} > {truth} > {clicks}");

        // What clicks can reach at best: argmax β r of the truth.
        Assert.Equal(world.TopOne(s => [.. Enumerable.Range(0, world.Items).Select(a => world.Propensity[s, a] * world.ClickRate[s, a])]), clicks, 0.05);
    }

    /// <summary>At the fixed point, which for full capacity is the weighted share of the clicks; the tests of training reach it.</summary>
    [Fact]
    public void FixedPoint_IpsWithEstimatedPropensities_BeatsClicksInTwentyOfTwentySeeds()
    {
        var sums = new double[3];
        for (var seed = 0; seed < 20; seed++)
        {
            var world = new LoggedWorld(seed);
            var clicks = Limit(world, r => r.Mass * r.Reward);
            var estimated = Limit(world, r => r.Mass * r.Reward / r.Propensity);
            var truth = Limit(world, r => r.Mass * r.Reward / world.Propensity[r.State, r.Item - 1]);
            Assert.True(estimated > truth && truth > clicks && estimated > 1.2 * clicks, $"seed {seed}: {estimated} > {truth} > {clicks}");
            sums = [sums[0] + estimated, sums[1] + truth, sums[2] + clicks];
        }

        output.WriteLine($"fixed point, 20 of 20 seeds in this order; means {sums[0] / 20:F4} with estimated, {sums[1] / 20:F4} with true propensities, {sums[2] / 20:F4} unweighted");
    }

    private static double Trained(LoggedWorld world, LoggedRow[] rows, ObjectiveKind kind)
    {
        using var policy = new TabularPolicy(world.States, world.Items);
        policy.Train(new ObjectiveOptions { Kind = kind }, rows, steps: 300, rate: 100);
        return world.TopOne(policy.Probabilities);
    }

    private static double Limit(LoggedWorld world, Func<LoggedRow, double> weight)
    {
        var scores = Enumerable.Range(0, world.States).Select(_ => new double[world.Items]).ToArray();
        foreach (var row in world.Rows)
            scores[row.State][row.Item - 1] += weight(row);
        return world.TopOne(s => scores[s]);
    }
}
