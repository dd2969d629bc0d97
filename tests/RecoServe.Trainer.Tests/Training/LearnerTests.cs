using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Training;
using TorchSharp;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class LearnerTests
{
    [Theory]
    [MemberData(nameof(Models.EncoderTests.Kinds), MemberType = typeof(Models.EncoderTests))]
    public void Learn_AnyNetwork_LeavesNoTensorBehind(string kind) => LearnManyTimes(Enum.Parse<NetworkKind>(kind), new ObjectiveOptions());

    [Theory]
    [InlineData(LossKind.Sampled, ObjectiveKind.Ips, PropensitySource.Head)]
    [InlineData(LossKind.Gbce, ObjectiveKind.Ips, PropensitySource.Frequency)]
    [InlineData(LossKind.Softmax, ObjectiveKind.TopK, PropensitySource.Head)]
    public void Learn_AnyObjective_LeavesNoTensorBehind(object loss, object kind, object propensity) => LearnManyTimes(NetworkKind.Gru, new ObjectiveOptions
    {
        Loss = (LossKind)loss,
        Kind = (ObjectiveKind)kind,
        Propensity = (PropensitySource)propensity,
        CategoryFromState = 1,
        CategoryFromItem = 1,
        Negatives = 8,
    });

    private static void LearnManyTimes(NetworkKind kind, ObjectiveOptions objective)
    {
        var log = TinyLogs.Contextual();
        var options = TrainingRunFixture.Quick with { Objective = objective };
        using var network = new NextWatchNetwork(
            new NetworkShape(log.Catalogue.Count, options.Dimension, 2, [2, 3])
            {
                Kind = kind,
                MaxHistory = options.MaxHistory,
                ScaleInput = true,
                ItemFeatures = [ItemFeature.Read(log.Catalogue, "category")],
            },
            0.1);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), options.MaxHistory);
        using var learner = new Learner(network, options, set);
        var batch = set.Batch(set.Epoch(1, 1, options.BatchSize)[0]);
        var scorer = new NetworkScorer(network, options.MaxHistory);
        var scores = new double[log.Catalogue.Count + 1];

        void Step()
        {
            learner.Learn(batch);
            scorer.Score([TinyLogs.LastQuestion(log, 0)], scores);
        }

        Step();
#pragma warning disable RS0030 // The first count is of the whole process: what earlier tests left to the finalizer must not go meanwhile.
        GC.Collect();
#pragma warning restore RS0030
        GC.WaitForPendingFinalizers();
        var (tensors, live) = (torch.Tensor.TotalCount, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        for (var i = 0; i < 20; i++)
            Step();
        Assert.Equal((tensors, live), (torch.Tensor.TotalCount, DisposeScopeManager.Statistics.ThreadTotalLiveCount));
    }

    [Fact]
    public void Learn_FrozenRows_StayAsTheyAre()
    {
        var log = TinyLogs.Contextual();
        var options = TrainingRunFixture.Quick;
        using var network = new NextWatchNetwork(new NetworkShape(log.Catalogue.Count, options.Dimension, 1, [2, 3]), 0.1);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), options.MaxHistory);
        using var learner = new Learner(network, options, set);
        foreach (var windows in set.Epoch(1, 1, options.BatchSize))
            learner.Learn(set.Batch(windows));
        Assert.All(NetworkScorer.Floats(network.ItemMatrix)[..options.Dimension].ToArray(), x => Assert.Equal(0, x));
        Assert.All(NetworkScorer.Floats(network.ContextMatrix(1))[..options.Dimension].ToArray(), x => Assert.Equal(0, x));
        Assert.Equal(float.NegativeInfinity, NetworkScorer.Floats(network.ItemBias)[0]);
        Assert.Contains(NetworkScorer.Floats(network.ContextMatrix(0)).ToArray(), x => x != 0);
    }
}
