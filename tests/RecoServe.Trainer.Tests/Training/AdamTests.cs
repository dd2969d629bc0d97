using RecoServe.Trainer.Models;
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

    [Fact]
    public void Step_SparseGradientOfAllRows_IsBitForBitTheDenseStep()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var start = randn(6, 3);
        var (dense, sparse) = (new Parameter(start.clone()), new Parameter(start.clone()));
        sparse.grad = RowGradient.Sparse(sparse);
        using var ours = new Adam([("w", dense)], 0.01, clipNorm: 1);
        using var lazy = new Adam([("w", sparse)], 0.01, clipNorm: 1);
        long[] order = [3, 1, 5, 0, 2, 4];
        for (var i = 0; i < 30; i++)
        {
            var gradient = randn(6, 3);
            RowGradient.Add(dense.grad!, tensor(order), gradient);
            RowGradient.Add(sparse.grad!, tensor(order), gradient);
            ours.Step();
            lazy.Step();
        }

        Assert.Equal(dense.data<float>().ToArray(), sparse.data<float>().ToArray());
        foreach (var (name, moment) in ours.State)
            Assert.Equal(moment.data<float>().ToArray(), lazy.State[name].data<float>().ToArray());
    }

    [Fact]
    public void Step_SparseGradientOfSomeRows_LeavesTheOthersAndTheirMoments()
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(zeros(5, 2));
        weight.grad = RowGradient.Sparse(weight);
        using var adam = new Adam([("w", weight)], 0.1, clipNorm: 1e9);
        long[] twice = [3, 1, 3], once = [1];
        RowGradient.Add(weight.grad!, tensor(twice), ones(3, 2));
        adam.Step();
        Assert.Equal([0, 0.1f, 0, 0.2f, 0], adam.State["mean.w"].select(1, 0).contiguous().data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
        var third = weight[3].clone();
        RowGradient.Add(weight.grad!, tensor(once), ones(1, 2));
        adam.Step();
        Assert.Equal(third.data<float>().ToArray(), weight[3].data<float>().ToArray());
        Assert.Equal([0, -0.2f, 0, -0.1f, 0], weight.select(1, 0).contiguous().data<float>().ToArray(), (a, b) => Math.Abs(a - b) < 1e-3);
        Assert.Equal(0, weight.grad!.SparseIndices.shape[1]);
    }
}
