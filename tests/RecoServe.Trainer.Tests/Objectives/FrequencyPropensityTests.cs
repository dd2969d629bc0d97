using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Objectives;

[Collection(Torch.Collection)]
public sealed class FrequencyPropensityTests
{
    /// <summary>Items 1 to 3 were shown 3, 0 and 1 times; with half a display added to each they have 3.5, 0.5 and 1.5 of 5.5.</summary>
    [Fact]
    public void LogOf_IsTheSmoothedShareOfTheItemsShown()
    {
        using var scope = NewDisposeScope();
        using var propensity = new FrequencyPropensity([99, 3, 0, 1], smoothing: 0.5);
        var batch = new TrainingSet(TinyLogs.Build(3, [[2, 1, 3, 1]], []), [4], 32).Batch([new WindowPlace(0, 0, 4)]);

        Assert.Equal(
            new[] { 0.5, 3.5, 1.5, 3.5 }.Select(count => Math.Log(count / 5.5)),
            propensity.LogOf(batch, zeros(4, 1)).data<float>().ToArray().Select(p => (double)p),
            (a, b) => Math.Abs(a - b) < 1e-6);
    }
}
