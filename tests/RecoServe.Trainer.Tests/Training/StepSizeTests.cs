using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests.Training;

public sealed class StepSizeTests
{
    private static readonly FitOptions Options = new() { LearningRate = 0.4, WarmupSteps = 4, DecayEpochs = 2 };

    [Fact]
    public void After_WarmUp_RisesEvenly() =>
        Assert.Equal([0.1, 0.2, 0.3, 0.4, 0.4], Sizes(DecayKind.None, 0, 5), (a, b) => Math.Abs(a - b) < 1e-12);

    [Fact]
    public void After_NoDecay_HalvesWhenAsked() => Assert.Equal(0.1, new StepSize(Options, 6).After(1000, halvings: 2), 1e-12);

    [Fact]
    public void After_Linear_FallsEvenlyToZeroAndStaysThere() =>
        Assert.Equal([0.4, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0, 0], Sizes(DecayKind.Linear, 3, 11), (a, b) => Math.Abs(a - b) < 1e-12);

    [Fact]
    public void After_Cosine_FallsSlowlyAtBothEnds()
    {
        double[] expected = [0.4, 0.4 * (2 + Math.Sqrt(2)) / 4, 0.2, 0.4 * (2 - Math.Sqrt(2)) / 4, 0];
        Assert.Equal(expected, new[] { 4, 6, 8, 10, 12 }.Select(step => Sizes(DecayKind.Cosine, step, 1)[0]), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Theory]
    [InlineData(DecayKind.Cosine, 15)]
    [InlineData(DecayKind.Linear, 15)]
    [InlineData(DecayKind.Linear, 12)]
    public void After_WarmUpAsLongAsThePlanOrLonger_IsANumber(object decay, int warmup) =>
        Assert.All(Enumerable.Range(0, 20), step => Assert.InRange(
            new StepSize(Options with { Decay = (DecayKind)decay, WarmupSteps = warmup }, 6).After(step, 0), 0, 0.4));

    private static double[] Sizes(DecayKind decay, int first, int count)
    {
        var size = new StepSize(Options with { Decay = decay }, stepsAnEpoch: 6);
        return [.. Enumerable.Range(first, count).Select(step => size.After(step, halvings: 0))];
    }
}
