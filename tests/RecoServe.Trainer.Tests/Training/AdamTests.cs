using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Adam = RecoServe.Trainer.Training.Adam;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class AdamTests
{
    [Fact]
    public void Step_ThirtySteps_EqualsTorchAdam()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var start = randn(4, 3);
        var (ours, theirs) = (new Parameter(start.clone()), new Parameter(start.clone()));
        using var adam = new Adam([("w", ours)], 0.01, clipNorm: 1e9);
        using var two = 2.ToScalar();
        using var reference = optim.Adam([theirs], 0.01);
        for (var i = 0; i < 30; i++)
        {
            var input = randn(5, 4);
            foreach (var weight in (Parameter[])[ours, theirs])
                input.matmul(weight).pow(two).sum().backward();
            adam.Step();
            reference.step();
            reference.zero_grad();
        }

        Assert.InRange((ours - theirs).abs().max().item<float>(), 0, 1e-6f);
        Assert.True((ours - start).abs().min().item<float>() > 0.01);
    }

    [Fact]
    public void Step_LongGradient_IsShortened()
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(zeros(2));
        using var adam = new Adam([("w", weight)], 1, clipNorm: 1);
        float[] gradient = [300, 400];
        weight.grad!.copy_(tensor(gradient));
        adam.Step();
        Assert.Equal(0.06f, adam.State["mean.w"][0].item<float>(), 1e-4f);
        Assert.Equal(0, weight.grad!.abs().max().item<float>());
    }

    [Fact]
    public void Step_InfiniteWeightWithoutGradient_StaysAsItIs()
    {
        using var scope = NewDisposeScope();
        float[] start = [float.NegativeInfinity, 1];
        float[] gradient = [0, 1];
        var weight = new Parameter(tensor(start));
        using var adam = new Adam([("w", weight)], 0.1, clipNorm: 5);
        weight.grad!.copy_(tensor(gradient));
        adam.Step();
        Assert.Equal([float.NegativeInfinity, 0.9f], weight.data<float>().ToArray(), (a, b) => a.Equals(b) || Math.Abs(a - b) < 1e-6);
    }
}
