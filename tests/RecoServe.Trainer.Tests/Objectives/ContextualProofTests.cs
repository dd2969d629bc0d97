using RecoServe.Trainer.Data;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

/// <summary>
/// In each state E[click ∇ ln π] under the log is Σ β r ∇ ln π, so clicks lead to π ∝ β r, and clicks / β to π ∝ r: the best
/// items differ wherever argmax β r is not argmax r.
/// </summary>
[Collection(Torch.Collection)]
public sealed class ContextualProofTests(ITestOutputHelper output)
{
    /// <summary>
    /// Trained by what <c>fit</c> trains with: the loss, the weights, and the propensity head; beside it the propensities of the truth, and the share that an
    /// item has of a state's displays. <c>make counterfactual</c> takes a world large enough for the shares to beat the true propensities in every
    /// seed, not only on average.
    /// </summary>
    [Fact]
    public void Training_IpsBeatsClicks_InTwentyOfTwentySeeds_AndEstimatedPropensitiesBeatTrueOnes()
    {
        var isLarge = Environment.GetEnvironmentVariable("RECOSERVE_LARGE_PROOF") is not null;
        var sums = new double[5];
        for (var seed = 0; seed < 20; seed++)
        {
            var world = isLarge ? new LoggedWorld(seed, states: 50, items: 200, displays: 400_000) : new LoggedWorld(seed, states: 12, items: 80, displays: 40_000);
            var clicks = Trained(world, world.Rows, ObjectiveKind.Clicks);
            var truth = Trained(world, world.TrueRows, ObjectiveKind.Ips);
            var estimated = Trained(world, world.Rows, ObjectiveKind.Ips);
            var learned = Trained(world, LearnedRows(world), ObjectiveKind.Ips);
            output.WriteLine($"seed {seed}: {estimated:F4} {learned:F4} {truth:F4} {clicks:F4}");
            Assert.True(estimated > clicks && learned > clicks && truth > clicks, $"seed {seed}: {estimated}, {learned}, {truth} > {clicks}");
            Assert.True(!isLarge || estimated > truth, $"seed {seed}: {estimated} > {truth}");
            sums = [sums[0] + estimated, sums[1] + learned, sums[2] + truth, sums[3] + clicks, sums[4] + LimitOfClicks(world)];
        }

        Assert.True(sums[0] > sums[2], string.Join(' ', sums));
        Assert.Equal(sums[4] / 20, sums[3] / 20, 0.03);
        output.WriteLine($"trained, 20 of 20 seeds; click rate of the best item, means: {sums[0] / 20:F4} with propensities of shares, {sums[1] / 20:F4} of the head, {sums[2] / 20:F4} true, {sums[3] / 20:F4} unweighted");
    }

    /// <summary>What clicks lead to: argmax β r of the truth.</summary>
    private static double LimitOfClicks(LoggedWorld world) =>
        world.TopOne(s => [.. Enumerable.Range(0, world.Items).Select(a => world.Propensity[s, a] * world.ClickRate[s, a])]);

    private static double Trained(LoggedWorld world, LoggedRow[] rows, ObjectiveKind kind)
    {
        using var policy = new TabularPolicy(world.States, world.Items);
        policy.Train(new ObjectiveOptions { Kind = kind }, rows, steps: 200, rate: 12 * world.States);
        return world.TopOne(policy.Probabilities);
    }

    /// <summary>The rows with the propensities of a head that has seen 400,000 displays, in batches.</summary>
    private static LoggedRow[] LearnedRows(LoggedWorld world)
    {
        const int Steps = 100, BatchSize = 4000;
        using var scope = NewDisposeScope();
        var counts = new long[world.Items + 1];
        foreach (var item in world.Shown)
            counts[item]++;
        manual_seed(1);
        using var head = new PropensityHead(world.States, world.States, 0, counts);
        using var adam = new Adam([.. head.named_parameters()], 0.05, 100);
        for (var step = 0; step < Steps; step++)
        {
            using var inner = NewDisposeScope();
            int[] displays = [.. Enumerable.Range(step * BatchSize, BatchSize).Select(n => n % world.Shown.Length)];
            head.Accumulate(BatchOf(displays.Select(n => world.Shown[n])), OneHot(world, displays.Select(world.StateOf)));
            adam.Step();
        }

        var log = PropensityHeadTests.LogDistribution(head, OneHot(world, Enumerable.Range(0, world.States)), zeros(world.States, int64)).data<float>().ToArray();
        return [.. world.Rows.Select(r => r with { Propensity = Math.Exp(log[(r.State * (world.Items + 1)) + r.Item]) })];
    }

    private static Tensor OneHot(LoggedWorld world, IEnumerable<int> states) =>
        nn.functional.one_hot(tensor(states.Select(s => (long)s).ToArray()), world.States).to(float32);

    private static Batch BatchOf(IEnumerable<int> shown)
    {
        int[] items = [.. shown];
        return new Batch([new Window(new[] { 1 }, [], 0, new FeedbackRows(new int[items.Length], items, new float[items.Length], null, null, []))], 0);
    }
}
