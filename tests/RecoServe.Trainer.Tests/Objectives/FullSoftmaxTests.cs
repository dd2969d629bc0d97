using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class FullSoftmaxTests
{
    [Theory]
    [InlineData(1, 64)]
    [InlineData(7, 3)]
    [InlineData(64, 64)]
    [InlineData(50, 16)]
    public void Backward_RandomSizes_EqualsAutograd(int positions, int chunk)
    {
        using var scope = NewDisposeScope();
        var (items, bias, hidden, targets) = Problem(positions, items: 23, dimension: 5);
        var (itemsTwin, biasTwin, hiddenTwin) = (LossProblem.Leaf(items), LossProblem.Leaf(bias), LossProblem.Leaf(hidden));
        var expected = nn.functional.cross_entropy(addmm(biasTwin, tanh(hiddenTwin), itemsTwin.t(), 1, 1), targets);
        expected.backward();

        using var softmax = new FullSoftmax(items, bias, chunk);
        var loss = softmax.Backward(tanh(hidden), targets);

        Assert.Equal(expected.item<float>(), loss, 1e-5);
        Close(itemsTwin.grad!, items.grad!);
        Close(biasTwin.grad!, bias.grad!);
        Close(hiddenTwin.grad!, hidden.grad!);
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(50, 16)]
    public void Accumulate_WeightAPosition_EqualsTheFormulaInDoublePrecision(int positions, int chunk)
    {
        using var scope = NewDisposeScope();
        var problem = new LossProblem(positions, items: 23, dimension: 5);
        using var softmax = new FullSoftmax(problem.Items, problem.Bias, chunk);
        problem.AssertIs(softmax, (states, items, bias) =>
            nn.functional.cross_entropy(addmm(bias, states, items.t(), 1, 1), problem.Targets, reduction: nn.Reduction.None));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(5)]
    public void Accumulate_WatchedItems_AreLeftOutButForATarget(int chunk)
    {
        using var scope = NewDisposeScope();
        var problem = new LossProblem(positions: 6, items: 9, dimension: 5);
        long[] histories = [0, 3, 4, 4, 0, 9, 1, 2];
        long[] cells = [0, 1, 2, 3, 5, 7];
        long[][] expected = [[], [3], [3, 4], [3, 4], [9], [9, 1, 2]];
        problem.Targets[2] = 4; // watched again
        var left = zeros(6, 10, float64);
        for (var row = 0; row < expected.Length; row++)
        {
            foreach (var item in expected[row].Where(item => item != problem.Targets[row].item<long>()))
                left[row, item] = double.NegativeInfinity;
        }

        Tensor Losses(Tensor states, Tensor items, Tensor bias) =>
            nn.functional.cross_entropy(addmm(bias, states, items.t(), 1, 1).Plus(left), problem.Targets, reduction: nn.Reduction.None);
        var watched = new WatchedItems(tensor(histories, 2, 4), tensor(cells));
        using var softmax = new FullSoftmax(problem.Items, problem.Bias, chunk);
        problem.AssertIs(softmax, Losses, watched: watched);
        LossProblem.Close(-Losses(problem.States, problem.Items, problem.Bias), softmax.LogProbabilities(problem.States, problem.Targets, watched), 1e-12);
    }

    [Fact]
    public void LogProbabilities_AreThoseOfTheSoftmax()
    {
        using var scope = NewDisposeScope();
        var problem = new LossProblem(50, items: 23, dimension: 5);
        using var softmax = new FullSoftmax(problem.Items, problem.Bias, 16);
        var expected = addmm(problem.Bias, problem.States, problem.Items.t(), 1, 1).log_softmax(1).gather(1, problem.Targets.unsqueeze(1));
        LossProblem.Close(expected.squeeze(1), softmax.LogProbabilities(problem.States, problem.Targets), 1e-12);
    }

    [Fact]
    public void Backward_TwoItems_IsTheLogisticClosedForm()
    {
        using var scope = NewDisposeScope();
        float[] vectors = [0, 1, -1];
        float[] biases = [float.NegativeInfinity, 0.25f, 0];
        float[] state = [0.5f];
        var (items, bias, hidden) = (LossProblem.Leaf(tensor(vectors, 3, 1)), LossProblem.Leaf(tensor(biases)), LossProblem.Leaf(tensor(state, 1, 1)));
        using var softmax = new FullSoftmax(items, bias, 8);
        var loss = softmax.Backward(hidden.alias(), ones(1, int64));

        var other = 1 / (1 + Math.Exp(1.25));
        Assert.Equal(-Math.Log(1 - other), loss, 1e-6);
        Assert.Equal([0, (float)(-other), (float)other], bias.grad!.data<float>().ToArray(), Near);
        Assert.Equal([0, (float)(-other / 2), (float)(other / 2)], items.grad!.data<float>().ToArray(), Near);
        Assert.Equal(-2 * other, hidden.grad!.item<float>(), 1e-6);
    }

    [Fact]
    public void Backward_HugeLogits_StaysFinite()
    {
        using var scope = NewDisposeScope();
        var (items, bias, hidden, targets) = Problem(20, 10, 4);
        using var huge = 1000.ToScalar();
        using (no_grad())
            hidden.mul_(huge);
        using var softmax = new FullSoftmax(items, bias, 8);
        Assert.True(double.IsFinite(softmax.Backward(hidden.alias(), targets)));
        Assert.True(hidden.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void Backward_SecondTime_AddsToTheGradient()
    {
        using var scope = NewDisposeScope();
        var (items, bias, hidden, targets) = Problem(20, 10, 4);
        using var softmax = new FullSoftmax(items, bias, 8);
        softmax.Backward(hidden.alias(), targets);
        var once = items.grad!.clone();
        softmax.Backward(hidden.alias(), targets);
        Close(once * 2, items.grad!);
    }

    private static (Tensor Items, Tensor Bias, Tensor Hidden, Tensor Targets) Problem(int positions, int items, int dimension)
    {
        manual_seed(positions);
        var bias = randn(items + 1);
        bias[0] = float.NegativeInfinity;
        return (LossProblem.Leaf(randn(items + 1, dimension)), LossProblem.Leaf(bias), LossProblem.Leaf(randn(positions, dimension)), randint(1, items + 1, [positions], int64));
    }

    private static bool Near(float a, float b) => Math.Abs(a - b) < 1e-6;

    private static void Close(Tensor expected, Tensor actual) =>
        Assert.InRange((expected - actual).abs().max().item<float>(), 0, 1e-5f);
}
