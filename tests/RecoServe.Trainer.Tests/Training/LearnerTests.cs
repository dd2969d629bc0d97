using RecoServe.Trainer.Models;
using RecoServe.Trainer.Training;
using TorchSharp;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class LearnerTests
{
    [Theory]
    [MemberData(nameof(Models.EncoderTests.Kinds), MemberType = typeof(Models.EncoderTests))]
    public void Learn_ManySteps_LeavesNoTensorBehind(string kind)
    {
        var log = TinyLogs.Contextual();
        var options = TrainingRunFixture.Quick;
        using var network = new NextWatchNetwork(
            new NetworkShape(log.Catalogue.Count, options.Dimension, 2, [2, 3])
            {
                Kind = Enum.Parse<NetworkKind>(kind),
                MaxHistory = options.MaxHistory,
                ScaleInput = true,
                ItemFeatures = [ItemFeature.Read(log.Catalogue, "category")],
            },
            0.1);
        using var learner = new Learner(network, options);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), options.MaxHistory);
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
        using var learner = new Learner(network, options);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), options.MaxHistory);
        foreach (var windows in set.Epoch(1, 1, options.BatchSize))
            learner.Learn(set.Batch(windows));
        Assert.All(NetworkScorer.Floats(network.ItemMatrix)[..options.Dimension].ToArray(), x => Assert.Equal(0, x));
        Assert.All(NetworkScorer.Floats(network.ContextMatrix(1))[..options.Dimension].ToArray(), x => Assert.Equal(0, x));
        Assert.Equal(float.NegativeInfinity, NetworkScorer.Floats(network.ItemBias)[0]);
        Assert.Contains(NetworkScorer.Floats(network.ContextMatrix(0)).ToArray(), x => x != 0);
    }
}
