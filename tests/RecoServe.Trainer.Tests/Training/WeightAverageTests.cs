using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class WeightAverageTests
{
    private const double Decay = 0.7;

    /// <summary>Against the sum written out; the start marker's bias is −∞ and stays it.</summary>
    [Fact]
    public void Show_AfterSteps_ShowsTheWeightedMean()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var network = NewNetwork();
        using var average = new WeightAverage(network, Decay);
        var steps = new List<float[]>();
        for (var step = 1; step <= 5; step++)
        {
            network.Items.Input.normal_(0, step);
            average.Add(step);
            steps.Add(Weights(network));
        }

        var weights = steps.Select((_, i) => (1 - Decay) * Math.Pow(Decay, steps.Count - 1 - i) / (1 - Math.Pow(Decay, steps.Count))).ToArray();
        var mean = Enumerable.Range(0, steps[0].Length).Select(cell => (float)steps.Zip(weights, (w, share) => w[cell] * share).Sum()).ToArray();
        Assert.Contains(float.NegativeInfinity, mean);
        var seen = Array.Empty<float>();
        average.Show(() => seen = Weights(network));
        Assert.Equal(mean, seen, (a, b) => a.Equals(b) || Math.Abs(a - b) < 1e-5);
        Assert.Equal(steps[^1], Weights(network));
    }

    [Fact]
    public void Show_Throwing_PutsTheWeightsBack()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var network = NewNetwork();
        using var average = new WeightAverage(network, Decay);
        average.Add(1);
        network.Items.Input.normal_(0, 2);
        average.Add(2);
        var before = Weights(network);
        Assert.Throws<InvalidOperationException>(() => average.Show(() => throw new InvalidOperationException()));
        Assert.Equal(before, Weights(network));
    }

    /// <summary>The vectors that items are composed of are averaged, and so must be what they compose.</summary>
    [Fact]
    public void Show_ComposedItems_AreComposedOfTheAverage()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var network = NewNetwork(new ItemFeature(2, [0, 1, 0, 1, 0, 1], [0, 0, 1, 2, 3, 4, 5, 6]));
        using var average = new WeightAverage(network, Decay);
        average.Add(1);
        network.Items.Input.normal_(0, 2);
        foreach (var weight in network.parameters())
            weight.mul_(weight);
        network.Refresh();
        average.Add(2);
        float[] Composed() => NetworkScorer.Floats(network.ItemMatrix).ToArray();
        var before = Composed();
        average.Show(() =>
        {
            var shown = Composed();
            Assert.NotEqual(before, shown);
            network.Refresh();
            Assert.Equal(Composed(), shown);
        });
        Assert.Equal(before, Composed());
    }

    /// <summary>Nothing has been averaged yet.</summary>
    [Fact]
    public void Run_EndedBeforeTheFirstStep_KeepsTheNetworkAsItWas()
    {
        var options = TrainingRunFixture.Quick with { TimeBudget = 0 };
        using var plain = new TrainingRunFixture(TinyLogs.Contextual(), options);
        plain.Fit();
        using var averaged = new TrainingRunFixture(TinyLogs.Contextual(), options with { Average = 0.9 });
        averaged.Fit();
        Assert.Equal(plain.Weights(best: true), averaged.Weights(best: true));
    }

    /// <summary>What is validated and kept is the average, and training goes on from the weights themselves.</summary>
    [Fact]
    public void Run_WithAverage_KeepsIt()
    {
        var options = TrainingRunFixture.Quick with { MaxEpochs = 3 };
        using var plain = new TrainingRunFixture(TinyLogs.Contextual(), options);
        plain.Fit();
        using var averaged = new TrainingRunFixture(TinyLogs.Contextual(), options with { Average = 0.9 });
        var result = averaged.Fit();
        Assert.Equal(plain.Weights(best: false), averaged.Weights(best: false));
        Assert.NotEqual(plain.Weights(best: true), averaged.Weights(best: true));
        Assert.Equal(result.Validation.HitRate, averaged.BestHitRate());
    }

    /// <summary>The last weights, which no epoch has validated, are kept as their average too.</summary>
    [Fact]
    public void Run_EndedBetweenValidations_KeepsTheAverage()
    {
        var options = TrainingRunFixture.Quick with { MaxEpochs = 3, EvaluateEvery = 2, Average = 0.9 };
        using var every = new TrainingRunFixture(TinyLogs.Contextual(), options with { EvaluateEvery = 1 }) { Validate = Improving() };
        every.Fit();
        using var between = new TrainingRunFixture(TinyLogs.Contextual(), options) { Validate = Improving() };
        between.Fit();
        Assert.Equal(every.Weights(best: true), between.Weights(best: true));
        Assert.Equal(every.Weights(best: false), between.Weights(best: false));

        static Func<IItemScorer, ValidationScore> Improving()
        {
            var count = 0;
            return _ => new ValidationScore(0, ++count);
        }
    }

    private static NextWatchNetwork NewNetwork(params ItemFeature[] features)
    {
        manual_seed(1).Dispose();
        return new NextWatchNetwork(new NetworkShape(6, 4, 1, []) { ItemFeatures = features }, 0);
    }

    private static float[] Weights(NextWatchNetwork network) => [.. network.parameters().SelectMany(p => NetworkScorer.Floats(p).ToArray())];
}
