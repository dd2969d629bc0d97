using RecoServe.Trainer.Data;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;
using RecoServe.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Training;

[Collection(Torch.Collection)]
public sealed class DeviceTests : IDisposable
{
    public void Dispose() => ComputeDevice.Use(DeviceKind.Cpu);

    /// <summary>On a device that every machine has, without memory, and with too little arithmetic to train.</summary>
    [Theory]
    [MemberData(nameof(Models.EncoderTests.Kinds), MemberType = typeof(Models.EncoderTests))]
    public void Network_AnotherDevice_IsThereAsAWhole(string kind)
    {
        using var scope = NewDisposeScope();
        LibTorch.EnsureLoaded();
        set_default_device(META);
        var (encoder, memory) = Models.EncoderTests.Parse(kind);
        var log = TinyLogs.WithFeedback(TinyLogs.Watched(hasTimes: true), (_, item) => item % 3);
        var options = TrainingRunFixture.Quick with
        {
            Network = encoder,
            Memory = memory,
            TimeGaps = true,
            HistoryContext = true,
            StateDimension = 24,
            Average = 0.9,
            Objective = new ObjectiveOptions { Kind = ObjectiveKind.Ips, Propensity = PropensitySource.Head, CategoryFromState = 1 },
        };
        using var network = new NextWatchNetwork(RunSettings.ShapeOf(options, log.ContextFields, log.Catalogue), options.Dropout);
        var set = new TrainingSet(log, TinyLogs.AllButLast(log), options.Window);
        using var learner = new Learner(network, options, set);
        var batch = set.Batch(set.Epoch(1, 1, options.BatchSize)[0]);
        Assert.All(
            [
                .. network.parameters(), .. learner.State.Values,
                batch.Items(), batch.Gaps(), batch.HistoryContext(), batch.Context(), batch.Cells(), batch.Targets(), batch.Rewards(), batch.Slots(),
                network.Score(zeros(2, options.Dimension)),
            ],
            tensor => Assert.Equal(DeviceType.META, tensor.device_type));
    }

    [Fact]
    public void Use_NoGpu_IsTheCpuOrToldWhatIsMissing()
    {
        LibTorch.EnsureLoaded();
        Assert.SkipWhen(cuda.is_available(), "this machine has a GPU that libtorch finds");
        Assert.Equal("cpu", ComputeDevice.Use(DeviceKind.Auto));
        Assert.Contains("libtorch finds no GPU", Assert.Throws<DataException>(() => ComputeDevice.Use(DeviceKind.Cuda)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Gru", ObjectiveKind.Clicks)]
    [InlineData("Gru", ObjectiveKind.Ips)]
    [InlineData("Sasrec", ObjectiveKind.Clicks)]
    [InlineData("Ligr", ObjectiveKind.Clicks)]
    public void Fit_OnAGpu_LearnsWhatTheCpuReads(string network, object kind)
    {
        LibTorch.EnsureLoaded();
        Assert.SkipUnless(cuda.is_available(), "libtorch finds no GPU");
        var ips = (ObjectiveKind)kind == ObjectiveKind.Ips;
        var log = ips ? TinyLogs.WithFeedback(TinyLogs.Watched(), (_, _) => 1) : TinyLogs.Watched();
        using var training = new TrainingRunFixture(log, TrainingRunFixture.QuickFor(network) with
        {
            Objective = new ObjectiveOptions { Kind = (ObjectiveKind)kind, Propensity = ips ? PropensitySource.Head : PropensitySource.None, CategoryFromState = 0.1 },
        });
        ComputeDevice.Use(DeviceKind.Cuda);
        var result = training.Fit();
        ComputeDevice.Use(DeviceKind.Cpu);
        Assert.InRange(training.BestHitRate(), result.Validation.HitRate - 0.02, 1);
        Assert.InRange(result.Validation.HitRate, 0.5, 1);
    }
}
