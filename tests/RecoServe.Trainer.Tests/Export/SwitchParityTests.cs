using System.Runtime.InteropServices;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Export;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Tests.Training;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Export;

/// <summary>Each network with its defaults, and with each switch alone: ONNX Runtime computes what libtorch does.</summary>
[Collection(Torch.Collection)]
public sealed class SwitchParityTests : IDisposable
{
    private const int Items = 150;

    private readonly string _repository = Directory.CreateTempSubdirectory("models").FullName;

    /// <summary>By the option that differs from the network's defaults.</summary>
    private static Dictionary<string, Func<FitOptions, FitOptions>> Switches { get; } = new()
    {
        ["none"] = fit => fit,
        ["--heads"] = fit => fit with { Heads = 2 },
        ["--memory"] = fit => fit with { Memory = 3 },
        ["--layers"] = fit => fit with { Layers = 3 },
        ["--scale-input"] = fit => fit with { ScaleInput = !fit.ScaleInput },
        ["--output"] = fit => fit with { Output = OutputVectors.Separate },
        ["--state-dimension"] = fit => fit with { StateDimension = 12 },
        ["--item-bias"] = fit => fit with { ItemBias = false },
        ["--item-feature"] = fit => fit with { ItemFeatures = ["category"] },
        ["--context"] = fit => fit,
        ["--context-fusion"] = fit => fit with { ContextFusion = ContextFusion.Add },
        ["--time-gaps"] = fit => fit with { TimeGaps = true },
        ["--history-context"] = fit => fit with { HistoryContext = true },
    };

    public static TheoryData<string, string> Cases { get; } = new(
        from network in Enum.GetNames<NetworkKind>()
        from option in Switches.Keys
        where network != "Gru" || option is not ("--heads" or "--memory")
        select (network, option));

    public void Dispose() => Directory.Delete(_repository, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Publish_OneSwitchAlone_ComputesTheSameInOnnxRuntime(string network, string option)
    {
        var defaults = FitOptions.DefaultsOf(Enum.Parse<NetworkKind>(network)) with { Dimension = 8, MaxHistory = 9, Threads = 1 };
        using var log = option switch
        {
            "--time-gaps" => TinyLogs.Timed(users: 24, Items, length: 15),
            "--context" or "--context-fusion" or "--history-context" => TinyLogs.Contextual(users: 24, Items, length: 15),
            _ => TinyLogs.Cycle(users: 24, Items, length: 15),
        };
        using var run = new TrainingRunFixture(log, Switches[option](defaults));
        var shape = run.Run.Settings.ShapeFor(log.Catalogue);
        string[] switched = [.. shape.DifferencesTo(RunSettings.ShapeOf(defaults, [], log.Catalogue)).Select(difference => difference.Split(' ')[0])];
        Assert.Equal(option != "none", switched.Contains(option));
        SaveRandomWeights(run.Run, shape);

        var (_, parity) = PackageDraft.Publish(run.Run, _repository, "tiny", null, DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);
        Assert.InRange(parity.Histories, 200, 1000);
        Assert.InRange(parity.LargestDelta, 1e-12, ParityCheck.Tolerance);
        Assert.Equal(1, parity.SameTop);
    }

    [Fact]
    public void Publish_Average_IsWhatIsServed()
    {
        using var log = TinyLogs.Cycle(users: 24, Items, length: 15);
        using var run = new TrainingRunFixture(log, TrainingRunFixture.Quick with { Dimension = 8, MaxEpochs = 1, Average = 0.9 });
        run.Fit();
        var (directory, parity) = PackageDraft.Publish(run.Run, _repository, "tiny", null, DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);
        Assert.InRange(parity.LargestDelta, 1e-12, ParityCheck.Tolerance);
        var served = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(directory, PackageFiles.ItemMatrix)));
        Assert.True(run.Weights(best: true).AsSpan().IndexOf(served) >= 0);
        Assert.Equal(-1, run.Weights(best: false).AsSpan().IndexOf(served));
    }

    /// <summary>Also where training begins at zero, as contexts, gaps and features do: what is not in the graph is then missed.</summary>
    private static void SaveRandomWeights(RunFolder run, NetworkShape shape)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var network = new NextWatchNetwork(shape, dropout: 0);
        using (no_grad())
        {
            foreach (var weight in network.parameters())
                weight.Increase(randn_like(weight).mul(tensor(0.3f)));
        }

        run.Checkpoint.SaveBest(network, new FitState());
    }
}
