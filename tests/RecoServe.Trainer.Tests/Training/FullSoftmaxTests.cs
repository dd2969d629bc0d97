using RecoServe.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Training;

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
        var (itemsTwin, biasTwin, hiddenTwin) = (Leaf(items), Leaf(bias), Leaf(hidden));
        var expected = nn.functional.cross_entropy(addmm(biasTwin, tanh(hiddenTwin), itemsTwin.t(), 1, 1), targets);
        expected.backward();

        using var softmax = new FullSoftmax(items, bias, chunk);
        var loss = softmax.Backward(tanh(hidden), targets);

        Assert.Equal(expected.item<float>(), loss, 1e-5);
        Close(itemsTwin.grad!, items.grad!);
        Close(biasTwin.grad!, bias.grad!);
        Close(hiddenTwin.grad!, hidden.grad!);
    }

    [Fact]
    public void Backward_TwoItems_IsTheLogisticClosedForm()
    {
        using var scope = NewDisposeScope();
        float[] vectors = [0, 1, -1];
        float[] biases = [float.NegativeInfinity, 0.25f, 0];
        float[] state = [0.5f];
        var (items, bias, hidden) = (Leaf(tensor(vectors, 3, 1)), Leaf(tensor(biases)), Leaf(tensor(state, 1, 1)));
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
        return (Leaf(randn(items + 1, dimension)), Leaf(bias), Leaf(randn(positions, dimension)), randint(1, items + 1, [positions], int64));
    }

    private static Tensor Leaf(Tensor values)
    {
        var leaf = values.detach().clone().requires_grad_(true);
        leaf.grad = zeros_like(values);
        return leaf;
    }

    private static bool Near(float a, float b) => Math.Abs(a - b) < 1e-6;

    private static void Close(Tensor expected, Tensor actual) =>
        Assert.InRange((expected - actual).abs().max().item<float>(), 0, 1e-5f);
}
