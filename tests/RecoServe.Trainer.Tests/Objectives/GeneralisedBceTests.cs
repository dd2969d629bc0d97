using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class GeneralisedBceTests
{
    [Fact]
    public void Accumulate_AllItemsDrawn_IsTheFormulaInDoublePrecision()
    {
        using var scope = NewDisposeScope();
        var problem = new LossProblem(50, items: 23, dimension: 5);
        using var loss = new GeneralisedBce(problem.Items, problem.Bias, new NegativeSampler(new long[24], 23, 0), chunk: 16, calibration: 0.75);
        problem.AssertIs(loss, (states, items, bias) =>
        {
            using var ones = 1.0.ToScalar();
            using var count = 24.0.ToScalar();
            using var one = 1.ToScalar();
            var index = problem.Targets.sub(one).unsqueeze(1);
            var all = addmm(bias, states, items.t(), 1, 1).narrow(1, 1, 23);
            var own = all.gather(1, index);
            var negative = all.sigmoid().neg().Plus(ones).log();
            var others = negative.sum(1, keepdim: true) - negative.gather(1, index);
            return own.sigmoid().log().Plus(others).div(count).neg().squeeze(1);
        });
    }

    /// <summary>−(β ln σ(s⁺) + Σ ln(1 − σ(s))) / (k + 1) over what is drawn but the target: with k = 6 of N = 23, α = 6/22 and β = (t (α − 1) + 1).</summary>
    [Theory]
    [InlineData(0.75, 0, 0.454545454545)]
    [InlineData(0.75, 0.5, 0.454545454545)]
    [InlineData(0.25, 0.5, 0.818181818182)]
    public void Accumulate_FewItemsDrawn_IsTheFormulaInDoublePrecision(double calibration, double power, double beta)
    {
        const int Items = 23, Drawn = 6, Chunk = 16;
        using var scope = NewDisposeScope();
        var problem = new LossProblem(50, Items, dimension: 5);
        var sampler = new NegativeSampler([0, .. Enumerable.Range(1, Items).Select(i => (long)i * i)], Drawn, power);
        using var loss = new GeneralisedBce(problem.Items, problem.Bias, sampler, Chunk, calibration);
        problem.AssertIs(
            loss,
            (states, items, bias) =>
            {
                using Scalar one = 1.0.ToScalar(), nothing = 0.0.ToScalar(), exponent = beta.ToScalar(), count = (Drawn + 1.0).ToScalar();
                var (drawn, areTargets) = problem.Draw(sampler, Chunk);
                Assert.True(areTargets.any().item<bool>());
                var all = addmm(bias, states, items.t(), 1, 1);
                var own = all.gather(1, problem.Targets.unsqueeze(1)).sigmoid().log().mul(exponent);
                var others = all.gather(1, drawn).sigmoid().neg().Plus(one).log().masked_fill(areTargets, nothing);
                return own.squeeze(1).Plus(others.sum(1)).div(count).neg();
            },
            tolerance: 1e-11);
    }

    /// <summary>k = 256 of 3,416 items, t = 0.75: α = .0750, β = .3063.</summary>
    [Theory]
    [InlineData(256, 3416, 0, 1)]
    [InlineData(256, 3416, 1, 0.074963)]
    [InlineData(256, 3416, 0.75, 0.306223)]
    [InlineData(3416, 3416, 0.75, 1)]
    public void PowerFor_IsThePapers(int drawn, int items, double calibration, double expected) =>
        Assert.Equal(expected, GeneralisedBce.PowerFor(drawn, items, calibration), 1e-6);

    [Fact]
    public void Accumulate_TargetLessSure_WithCalibration()
    {
        using var scope = NewDisposeScope();
        Assert.True(OwnGradient(0.75) > OwnGradient(0) && OwnGradient(0) < 0);
    }

    private static double OwnGradient(double calibration)
    {
        var problem = new LossProblem(1, items: 1000, dimension: 4);
        using var loss = new GeneralisedBce(problem.Items, problem.Bias, new NegativeSampler(new long[1001], 10, 0), 16, calibration);
        loss.Accumulate(problem.States, problem.Targets, null, zeros_like(problem.States));
        return problem.Bias.grad![problem.Targets[0]].to(float64).item<double>();
    }
}
