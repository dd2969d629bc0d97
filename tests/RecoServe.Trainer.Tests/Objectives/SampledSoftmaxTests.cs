using RecoServe.Trainer.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class SampledSoftmaxTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.75)]
    public void Accumulate_AllItemsDrawn_IsTheFullSoftmax(double power)
    {
        using var scope = NewDisposeScope();
        var problem = new LossProblem(50, items: 23, dimension: 5);
        long[] counts = [0, .. Enumerable.Range(1, 23).Select(i => (long)i * i)];
        using var sampled = new SampledSoftmax(problem.Items, problem.Bias, new NegativeSampler(counts, 1000, power), chunk: 16, logQ: 1);
        problem.AssertIs(sampled, (states, items, bias) =>
            nn.functional.cross_entropy(addmm(bias, states, items.t(), 1, 1), problem.Targets, reduction: nn.Reduction.None), 1e-6);
    }

    /// <summary>−s⁺ + ln(exp s⁺ + Σ exp(s − logQ · ln(k q))) over what is drawn but the target, with q ∝ (count + 1)^power.</summary>
    [Theory]
    [InlineData(0.75, 1)]
    [InlineData(0.75, 0.5)]
    [InlineData(0, 1)]
    public void Accumulate_FewItemsDrawn_IsTheFormula(double power, double logQ)
    {
        const int Items = 23, Drawn = 6, Chunk = 16;
        using var scope = NewDisposeScope();
        var problem = new LossProblem(50, Items, dimension: 5);
        long[] counts = [0, .. Enumerable.Range(1, Items).Select(i => (long)i * i)];
        double[] shares = [.. counts.Select(count => Math.Pow(count + 1, power))];
        var correction = tensor(Array.ConvertAll(shares, share => logQ * Math.Log(Drawn * share / shares[1..].Sum())));
        var sampler = new NegativeSampler(counts, Drawn, power);
        using var sampled = new SampledSoftmax(problem.Items, problem.Bias, sampler, Chunk, logQ);
        problem.AssertIs(
            sampled,
            (states, items, bias) =>
            {
                using var never = double.NegativeInfinity.ToScalar();
                var (drawn, areTargets) = problem.Draw(sampler, Chunk);
                Assert.True(areTargets.any().item<bool>());
                var all = addmm(bias, states, items.t(), 1, 1);
                var own = all.gather(1, problem.Targets.unsqueeze(1));
                var others = (all - correction).gather(1, drawn).masked_fill(areTargets, never);
                return (cat([own, others], 1).logsumexp(1, true) - own).squeeze(1);
            },
            tolerance: 1e-6); // the sampler's logarithms are in single precision
    }

    [Fact]
    public void Accumulate_ItemsDrawnByPopularity_ApproachesTheFullGradientOnlyWithTheCorrection()
    {
        using var scope = NewDisposeScope();
        var full = GradientOf(p => new FullSoftmax(p.Items, p.Bias, 64), draws: 1);
        var corrected = GradientOf(p => Sampled(p, logQ: 1), draws: 900);
        var uncorrected = GradientOf(p => Sampled(p, logQ: 0), draws: 900);
        var scale = full.norm().to(float64).item<double>();
        var (left, without) = ((corrected - full).norm().to(float64).item<double>() / scale, (uncorrected - full).norm().to(float64).item<double>() / scale);
        Assert.True(left < 0.03 && without > 3 * left, $"{left} with, {without} without");
    }

    [Fact]
    public void Accumulate_FewItemsDrawn_TouchesOnlyRowsDrawnOrTargets()
    {
        using var scope = NewDisposeScope();
        var problem = new LossProblem(4, items: 1000, dimension: 5);
        using var sampled = new SampledSoftmax(problem.Items, problem.Bias, new NegativeSampler(new long[1001], 8, 0), chunk: 16, logQ: 1);
        sampled.Accumulate(problem.States, problem.Targets, null, zeros_like(problem.States));
        using var zero = 0.ToScalar();
        Assert.InRange(problem.Items.grad!.ne(zero).any(1).sum().item<long>(), 5, 12);
    }

    [Fact]
    public void Draw_WithPower_DrawsByThePowerOfTheCount()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var sampler = new NegativeSampler([9, 0, 3, 8, 24, .. new long[100_000]], 100_000, power: 0.5);
        var (items, logExpected) = sampler.Draw();
        var drawn = items.data<long>().ToArray();
        var total = 1 + 2 + 3 + 5 + 100_000;
        Assert.Equal([0, 2, 3, 5], new[] { 0, 2, 3, 4 }.Select(i => i == 0 ? drawn.Count(d => d == 0) : drawn.Count(d => d == i)), (e, a) => Math.Abs(e - a) <= 8);
        var four = Array.IndexOf(drawn, 4L);
        Assert.True(four >= 0);
        Assert.Equal(Math.Log(100_000 * 5.0 / total), logExpected[four].item<float>(), 1e-5);
    }

    private static SampledSoftmax Sampled(LossProblem problem, double logQ) => new(
        problem.Items, problem.Bias, new NegativeSampler([0, .. Enumerable.Range(1, 400).Select(i => (long)i * i)], 300, power: 0.75), 64, logQ);

    private static Tensor GradientOf(Func<LossProblem, IItemLoss> make, int draws)
    {
        var problem = new LossProblem(32, items: 400, dimension: 4);
        using var calm = 0.25.ToScalar();
        problem.States.mul_(calm);
        using var loss = make(problem);
        using var share = (1.0 / draws).ToScalar();
        for (var draw = 0; draw < draws; draw++)
        {
            using var scope = NewDisposeScope();
            loss.Accumulate(problem.States, problem.Targets, null, zeros_like(problem.States));
        }

        return problem.Items.grad!.mul(share);
    }
}
