using RecoServe.Trainer.Data;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Tests.Objectives;
using RecoServe.Trainer.Training;
using TorchSharp;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class LearnerTests
{
    [Theory]
    [MemberData(nameof(Models.EncoderTests.Kinds), MemberType = typeof(Models.EncoderTests))]
    public void Learn_AnyNetwork_LeavesNoTensorBehind(string kind)
    {
        var (network, memory) = Models.EncoderTests.Parse(kind);
        LearnManyTimes(new ObjectiveOptions(), shape => shape with { Kind = network, Memory = memory });
    }

    [Theory]
    [InlineData(LossKind.Sampled, ObjectiveKind.Ips, PropensitySource.Head)]
    [InlineData(LossKind.Gbce, ObjectiveKind.Ips, PropensitySource.Frequency)]
    [InlineData(LossKind.Softmax, ObjectiveKind.TopK, PropensitySource.Head)]
    public void Learn_AnyObjective_LeavesNoTensorBehind(object loss, object kind, object propensity) => LearnManyTimes(new ObjectiveOptions
    {
        Loss = (LossKind)loss,
        Kind = (ObjectiveKind)kind,
        Propensity = (PropensitySource)propensity,
        CategoryFromState = 1,
        CategoryFromItem = 1,
        Negatives = 8,
    });

    [Theory]
    [InlineData(OutputVectors.Tied)]
    [InlineData(OutputVectors.Separate)]
    public void Learn_SparseGradients_LeavesNoTensorBehind(object output) => LearnManyTimes(
        new ObjectiveOptions { Loss = LossKind.Sampled, Negatives = 8, CategoryFromItem = 1 },
        shape => shape with { SparseGradients = true, ItemFeatures = [], Output = (OutputVectors)output, ItemBias = false });

    /// <summary>Of nine items 5 and 1 were shown in training, 5 and 9 in the validation: with one display added to each they have 2 and 1 of 11. A head begins there.</summary>
    [Theory]
    [InlineData(PropensitySource.None, double.NaN, 0)]
    [InlineData(PropensitySource.Frequency, 2.0513, 1e-4)]
    [InlineData(PropensitySource.Head, 2.0513, 0.1)]
    public void PropensityLossOf_DisplaysOfTheValidation_IsTheirMeanWithoutDropout(object source, double expected, double tolerance)
    {
        using var scope = torch.NewDisposeScope();
        torch.manual_seed(1).Dispose();
        var log = TinyLogs.Build(9, [[5, 1, 2, 3]], []).With(new FeedbackLog([0, 4], [0, 1, 2, 2], [5, 1, 5, 9], [1, 1, 0, 0], null, null, []));
        var options = TrainingRunFixture.Quick with { Objective = new ObjectiveOptions { Propensity = (PropensitySource)source, PropensitySmoothing = 1 } };
        using var network = new NextWatchNetwork(new NetworkShape(9, options.Dimension, 1, []), 0.5);
        var set = new TrainingSet(log, [2], options.Window, known: [3]);
        using var learner = new Learner(network, options, set);
        network.train();

        var loss = learner.PropensityLossOf(set.HeldOut(16));
        Assert.Equal(expected, loss ?? double.NaN, tolerance);
        Assert.Equal(loss, learner.PropensityLossOf(set.HeldOut(16)));
        Assert.Null(learner.PropensityLossOf([]));
    }

    /// <summary>However large the catalogue, a step holds and moves the rows of what the users watched and of what was drawn.</summary>
    [Theory]
    [InlineData(OutputVectors.Tied, 200)]
    [InlineData(OutputVectors.Tied, 20_000)]
    [InlineData(OutputVectors.Separate, 20_000)]
    public void Learn_SparseGradients_TouchesTheRowsUsed(object output, int items)
    {
        using var scope = torch.NewDisposeScope();
        using var gradients = torch.no_grad();
        int[][] histories = [[1, 2, 3, 4], [3, 4, 5, 6]];
        var log = TinyLogs.Build(items, histories, []);
        var options = TrainingRunFixture.Quick with { Objective = new ObjectiveOptions { Loss = LossKind.Sampled, Negatives = 8, NegativePower = 0.5 } };
        using var network = new NextWatchNetwork(
            new NetworkShape(items, options.Dimension, 1, []) { SparseGradients = true, Output = (OutputVectors)output }, 0);
        var set = new TrainingSet(log, [4, 4], options.MaxHistory);
        using var learner = new Learner(network, options, set);
        var batch = set.Batch(set.Epoch(1, 1, 2)[0]);
        var before = (network.Items.Input.clone(), network.ItemMatrix.clone(), network.ItemBias.clone());
        using (torch.enable_grad())
            learner.Accumulate(batch);
        var read = (OutputVectors)output == OutputVectors.Tied ? 6 : 0;
        Assert.InRange(network.ItemMatrix.grad!.SparseIndices.shape[1], 6, read + 8 + 8);
        Assert.InRange(network.ItemBias.grad!.SparseIndices.shape[1], 6, 8 + 8);
        learner.Optimiser.Step();
        Assert.InRange(RowsChanged(before.Item1, network.Items.Input), 5, 6 + 8);
        Assert.InRange(RowsChanged(before.Item2, network.ItemMatrix), 6, 6 + 8);
        Assert.InRange(RowsChanged(before.Item3.unsqueeze(1), network.ItemBias.unsqueeze(1)), 6, 6 + 8);
    }

    /// <summary>Every row is used at each step, so the lazy optimiser has nothing to be lazy about.</summary>
    [Fact]
    public void Learn_SparseGradientsOfAllRows_IsTheDenseStep()
    {
        var log = TinyLogs.Cycle();
        var options = TrainingRunFixture.Quick with { Objective = new ObjectiveOptions { Loss = LossKind.Sampled, Negatives = 1000 } };
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), options.MaxHistory);
        float[] Weights(bool sparse)
        {
            torch.manual_seed(1).Dispose();
            using var network = new NextWatchNetwork(new NetworkShape(log.Catalogue.Count, options.Dimension, 1, []) { SparseGradients = sparse }, 0.1);
            using var learner = new Learner(network, options, set);
            foreach (var windows in set.Epoch(1, 1, options.BatchSize))
                learner.Learn(set.Batch(windows));
            return [.. network.parameters().SelectMany(p => NetworkScorer.Floats(p).ToArray())];
        }

        Assert.Equal(Weights(sparse: false), Weights(sparse: true), (a, b) => a.Equals(b) || Math.Abs(a - b) < 1e-4);
    }

    /// <summary>Rows of different number in each part, of which others are worth nothing, and everything that has a loss of its own.</summary>
    [Theory]
    [InlineData(LossKind.Softmax, false)]
    [InlineData(LossKind.Softmax, true)]
    [InlineData(LossKind.Sampled, false)]
    [InlineData(LossKind.Sampled, true)]
    public void Learn_SeveralBatches_IsTheStepOfOneBatchOfAll(object loss, bool hasFeedback)
    {
        using var scope = torch.NewDisposeScope();
        var log = TinyLogs.Contextual(users: 40);
        if (hasFeedback)
            log = TinyLogs.WithFeedback(log, (user, watch) => watch < user % 5 ? 0 : 1 + (watch % 2));
        var set = new TrainingSet(log, [.. Enumerable.Range(0, 40).Select(user => 2 + (user % 17))], 32);
        var options = TrainingRunFixture.Quick with
        {
            Objective = new ObjectiveOptions
            {
                Loss = (LossKind)loss,
                Negatives = 1000,
                Kind = ObjectiveKind.Ips,
                SelfNormalise = false,
                Propensity = PropensitySource.Head,
                CategoryFromState = 0.5,
                CategoryFromItem = 0.5,
            },
        };
        var all = set.Epoch(1, 1, 40)[0];
        (StepReport Report, float[] Moments) Learn(int users)
        {
            torch.manual_seed(1).Dispose();
            using var network = new NextWatchNetwork(new NetworkShape(log.Catalogue.Count, options.Dimension, 1, [2, 3]), 0);
            using var learner = new Learner(network, options, set);
            var report = learner.Learn([.. all.Chunk(users).Select(set.Batch)]);
            return (report, [.. learner.Optimiser.State.Values.SelectMany(moment => NetworkScorer.Floats(moment).ToArray())]);
        }

        var (whole, parts) = (Learn(40), Learn(13));
        Assert.Equal(whole.Moments, parts.Moments, (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Contains(whole.Moments, m => Math.Abs(m) > 1e-3);
        Assert.Equal(whole.Report.Loss, parts.Report.Loss, 1e-4);
        Assert.Equal(whole.Report.Rows, parts.Report.Rows);
        Assert.Equal(whole.Report.PropensityLoss, parts.Report.PropensityLoss, 1e-4);
        Assert.Equal(whole.Report.CategoryLoss, parts.Report.CategoryLoss, 1e-4);
    }

    /// <summary>Each row's state read on its own, and autograd of Σ w (−ln π) / rows with w = R / β over the mean of 1 / β.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Accumulate_Feedback_IsTheGradientOfTheWeightedLoss(bool excludeWatched)
    {
        using var scope = torch.NewDisposeScope();
        var log = TinyLogs.Build(9, [[1, 2, 3, 4, 5, 6], [7, 8, 9]], []);
        Window[] windows =
        [
            new(log.ItemsOf(0)[2..], [], 2, Rows([3, 3, 4, 5], [8, 4, 5, 2], [0, 2, 1, 0], [0.1f, 0.5f, 0.25f, 0.4f], [1, 2, 1, 3])),
            new(log.ItemsOf(1), [], 0, Rows([0, 0, 2], [7, 3, 9], [1, 0, 3], [0.2f, 0.3f, 0.8f], [1, 2, 1])),
        ];
        var options = TrainingRunFixture.Quick with { Objective = new ObjectiveOptions { Kind = ObjectiveKind.Ips, Propensity = PropensitySource.Column, ExcludeWatched = excludeWatched } };
        using var network = Network();
        using var learner = new Learner(network, options, new TrainingSet(log, [6, 3], options.MaxHistory));
        var batch = new Batch(windows, 0);
        var loss = learner.Accumulate(batch).Loss;

        using var plain = Network();
        var rows = windows.SelectMany(w => Enumerable.Range(0, w.Feedback!.Count).Select(r => (Window: w, Rows: w.Feedback, Row: r))).ToArray();
        var mean = rows.Average(r => 1 / r.Rows.Propensities!.Value.Span[r.Row]);
        var terms = rows.Select(r =>
        {
            long[] history = [0, .. r.Window.Items[..(r.Rows.Steps.Span[r.Row] - r.Window.Start)].ToArray().Select(i => (long)i)];
            var state = plain.Read(torch.tensor(history).unsqueeze(0))[0][history.Length - 1];
            var target = r.Rows.Items.Span[r.Row];
            var eligible = torch.zeros(10);
            foreach (var item in history.Where(item => excludeWatched && item != target))
                eligible[item] = float.NegativeInfinity;
            var logProbability = plain.ItemMatrix.matmul(state).Plus(plain.ItemBias).Plus(eligible).log_softmax(0)[target];
            return logProbability * torch.tensor(-r.Rows.Rewards.Span[r.Row] / r.Rows.Propensities!.Value.Span[r.Row] / mean / rows.Length);
        });
        var expected = terms.Aggregate(TensorSum.Plus);
        expected.backward();
        Assert.Equal(expected.item<float>(), loss, 1e-4);
        Assert.Equal([1, 2, 1, 3, 1, 2, 1], batch.Slots().data<long>().ToArray());
        foreach (var (one, other) in plain.named_parameters().Zip(network.named_parameters()))
        {
            Assert.True(one.parameter.grad!.abs().max().item<float>() > 1e-4, one.name);
            LossProblem.Close(one.parameter.grad!, other.parameter.grad!, 1e-5);
        }

        NextWatchNetwork Network()
        {
            torch.manual_seed(3).Dispose();
            return new NextWatchNetwork(new NetworkShape(9, options.Dimension, 1, []), 0);
        }

        static FeedbackRows Rows(int[] steps, int[] items, float[] rewards, float[] propensities, ushort[] slots) =>
            new(steps, items, rewards, propensities, slots, []);
    }

    private static long RowsChanged(torch.Tensor before, torch.Tensor after)
    {
        using var changed = before.ne(after).any(1);
        return changed.sum().item<long>();
    }

    private static void LearnManyTimes(ObjectiveOptions objective, Func<NetworkShape, NetworkShape>? with = null)
    {
        var log = TinyLogs.Contextual();
        var options = TrainingRunFixture.Quick with { Objective = objective };
        var shape = new NetworkShape(log.Catalogue.Count, options.Dimension, 2, [2, 3])
        {
            MaxHistory = options.MaxHistory,
            ScaleInput = true,
            ItemFeatures = [ItemFeature.Read(log.Catalogue, "category")],
        };
        using var network = new NextWatchNetwork(with is null ? shape : with(shape), 0.1);
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
