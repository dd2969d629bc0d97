using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Training;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Training;

/// <summary>A training in a temporary folder, as the fit command puts it together.</summary>
internal sealed class TrainingRunFixture : IDisposable, IFitProgress
{
    private readonly WatchLog _log;

    public TrainingRunFixture(WatchLog log, FitOptions options)
    {
        (_log, Options) = (log, options);
        Folder = Directory.CreateTempSubdirectory("run").FullName;
        Validate = scorer => TinyLogs.LastItem(log, scorer);
        Run = RunFolder.Create(Folder, log, options, new Dictionary<string, string> { ["data"] = "tiny" });
    }

    public static FitOptions Quick { get; } = new()
    {
        Dimension = 16,
        BatchSize = 16,
        LearningRate = 0.02,
        Dropout = 0.1,
        MaxEpochs = 30,
        Patience = 30,
        MaxHistory = 32,
        Threads = 1,
    };

    /// <summary>The quick options with another network, a number after which is its memory, and everything that it can be switched to if asked.</summary>
    public static FitOptions QuickFor(string network, bool switched = false)
    {
        var (kind, memory) = Models.EncoderTests.Parse(network);
        return Quick with
        {
            Network = kind,
            Memory = memory,
            Heads = kind == NetworkKind.Gru ? 1 : 2,
            Layers = 2,
            LearningRate = kind == NetworkKind.Gru ? 0.02 : 0.005,
            ScaleInput = switched,
            StateDimension = switched ? 24 : 0,
            Output = switched ? OutputVectors.Separate : OutputVectors.Tied,
            ItemBias = !switched,
            ItemFeatures = ["category"],
            ContextFusion = switched ? ContextFusion.Add : ContextFusion.Multiply,
        };
    }

    public string Folder { get; }

    public RunFolder Run { get; private set; }

    public FitOptions Options { get; set; }

    public Func<IItemScorer, ValidationScore> Validate { get; set; }

    public Action<FitState> OnLearned { get; set; } = _ => { };

    /// <summary>What a new training begins with; null: random weights.</summary>
    public RunFolder? StartFrom { get; init; }

    public CancellationToken Stop { get; set; } = TestContext.Current.CancellationToken;

    public List<EpochReport> Epochs { get; } = [];

    public FitResult Fit(TimeProvider? time = null)
    {
        Run = RunFolder.Open(Folder);
        set_num_threads(Options.Threads);
        using var network = NewNetwork();
        var set = new TrainingSet(_log, TinyLogs.AllButLast(_log), Options.Window, Options.Windows);
        network.SetPopularity(set.ItemRewards);
        if (!Run.Checkpoint.CanResume)
            StartFrom?.Start(network, set, new FeedbackOptions());
        return new TrainingLoop(set, network, Options, Run, Validate, this, time ?? TimeProvider.System).Run(Stop);
    }

    /// <summary>The best weights, and how they rank every user's last item.</summary>
    public double BestHitRate(bool withContext = true)
    {
        using var network = NewNetwork();
        Run.Checkpoint.RestoreBest(network);
        return TinyLogs.LastItem(_log, new NetworkScorer(network, Options.MaxHistory), withContext).HitRate;
    }

    /// <summary>Every weight of the last or the best checkpoint, in the order of their names.</summary>
    public float[] Weights(bool best)
    {
        using var network = NewNetwork();
        using var adam = new Adam([.. network.named_parameters()], 1, 1);
        if (best)
            Run.Checkpoint.RestoreBest(network);
        else
            Run.Checkpoint.RestoreLast(network, adam.State);
        return [.. network.parameters().SelectMany(p => NetworkScorer.Floats(p).ToArray())];
    }

    /// <summary>The optimiser's moments in the last checkpoint.</summary>
    public float[] Moments()
    {
        using var network = NewNetwork();
        using var adam = new Adam([.. network.named_parameters()], 1, 1);
        Run.Checkpoint.RestoreLast(network, adam.State);
        return [.. adam.State.Values.SelectMany(p => NetworkScorer.Floats(p).ToArray())];
    }

    public void Learned(FitState state, int steps) => OnLearned(state);

    public void Ended(EpochReport report) => Epochs.Add(report);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private NextWatchNetwork NewNetwork()
    {
        using var _ = manual_seed(Options.Seed);
        return new NextWatchNetwork(Run.Settings.ShapeFor(_log.Catalogue), Options.Dropout);
    }
}
