using System.ComponentModel.DataAnnotations;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Training;

/// <summary>Settings of one training run.</summary>
internal sealed record FitOptions
{
    /// <summary>How histories are read.</summary>
    public NetworkKind Network { get; init; } = NetworkKind.Gru;

    /// <summary>Width d of item vectors and states: what published tables use on logs of a million watches.</summary>
    [Range(1, 4096)]
    public int Dimension { get; init; } = 64;

    /// <summary>GRU layers, a second of which rarely pays on watch histories, or Transformer blocks.</summary>
    [Range(1, 16)]
    public int Layers { get; init; } = 1;

    /// <summary>Width of every layer's state where it is not the dimension; 0 if it is.</summary>
    [Range(0, 4096)]
    public int StateDimension { get; init; }

    /// <summary>Attention heads of a Transformer block; they divide the state's width.</summary>
    [Range(1, 64)]
    public int Heads { get; init; } = 1;

    /// <summary>Watches of a segment in which a Transformer reads, seeing the segment before; 0: every watch sees all before it.</summary>
    [Range(0, 10_000)]
    public int Memory { get; init; }

    /// <summary>Whether item vectors are multiplied by √d where a history is read.</summary>
    public bool ScaleInput { get; init; }

    /// <summary>Whether items are scored by the vectors that are read, or by others.</summary>
    public OutputVectors Output { get; init; } = OutputVectors.Tied;

    /// <summary>Whether each item has a bias, which starts at the logarithm of its popularity.</summary>
    public bool ItemBias { get; init; } = true;

    /// <summary>Item attributes that are part of an item's vector.</summary>
    public IReadOnlyList<string> ItemFeatures { get; init; } = [];

    /// <summary>What the request's context does to the state.</summary>
    public ContextFusion ContextFusion { get; init; } = ContextFusion.Multiply;

    /// <summary>Whether the times between watches are read.</summary>
    public bool TimeGaps { get; init; }

    /// <summary>Whether the contexts of watches are read, and not only the request's.</summary>
    public bool HistoryContext { get; init; }

    /// <summary>Newest watches of a user that are used, in training and in serving.</summary>
    [Range(1, 10_000)]
    public int MaxHistory { get; init; } = 200;

    /// <summary>Of a user with more events, how many windows of them are learned, the newest first; each is read as if it were all.</summary>
    [Range(1, 100_000)]
    public int Windows { get; init; } = 1;

    /// <summary>Windows whose events are in memory at a time.</summary>
    [Range(1, 100_000)]
    public int BatchSize { get; init; } = 128;

    /// <summary>Batches a step, in the memory of one: the users of a step of several are drawn at random, those of each batch have histories of like length.</summary>
    [Range(1, 1000)]
    public int Accumulate { get; init; } = 1;

    /// <summary>How a step moves the weights.</summary>
    public OptimiserKind Optimiser { get; init; } = OptimiserKind.Adam;

    /// <summary>Adam's step size at the start: large, as a step sees thousands of targets; it is halved when progress ends.</summary>
    [Range(1e-7, 1)]
    public double LearningRate { get; init; } = 5e-3;

    /// <summary>Steps in which the step size rises evenly to its full height; 1: at once. Transformers and large weights want some hundred.</summary>
    [Range(1, 1_000_000)]
    public int WarmupSteps { get; init; } = 1;

    /// <summary>How the step size falls after the warm-up.</summary>
    public DecayKind Decay { get; init; } = DecayKind.None;

    /// <summary>Epochs, the warm-up's included, over which a planned decay takes the step size to 0. A new run begins with 0 replaced by <see cref="MaxEpochs"/>.</summary>
    [Range(0, 100_000)]
    public int DecayEpochs { get; init; }

    /// <summary>Validations without a better NDCG@10 after which the step size is halved, again and again; only without a planned decay.</summary>
    [Range(1, 100_000)]
    public int HalveAfter { get; init; } = 3;

    /// <summary>What each step counts in the average of the weights that is validated and kept, in units of the step after it; 0: no average, the weights themselves.</summary>
    [Range(0, 0.99999)]
    public double Average { get; init; }

    /// <summary>Share of embedding and state cells zeroed in training.</summary>
    [Range(0, 0.95)]
    public double Dropout { get; init; } = 0.2;

    /// <summary>Longest gradient: recurrent networks have rare, huge ones.</summary>
    [Range(1e-6, 1e6)]
    public double ClipNorm { get; init; } = 5;

    /// <summary>What the training strives for.</summary>
    public ObjectiveOptions Objective { get; init; } = new();

    /// <summary>Most passes over the training events.</summary>
    [Range(1, 100_000)]
    public int MaxEpochs { get; init; } = 200;

    /// <summary>Validations without a better NDCG@10 after which training stops.</summary>
    [Range(1, 100_000)]
    public int Patience { get; init; } = 10;

    /// <summary>Epochs from one validation to the next.</summary>
    [Range(1, 100_000)]
    public int EvaluateEvery { get; init; } = 1;

    /// <summary>Minutes after which training stops; the best weights so far are the result.</summary>
    [Range(0.0, 1e6)]
    public double TimeBudget { get; init; } = 240;

    /// <summary>Seed of everything random.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>What is computed on. Results are repeatable on the same device only.</summary>
    public DeviceKind Device { get; init; }

    /// <summary>Threads of a matrix product. Results are repeatable for the same number only.</summary>
    [Range(1, 1024)]
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether oneDNN multiplies matrices: see <see cref="Models.FastProducts"/>. Results repeat for the same answer only.</summary>
    public bool FastProducts { get; init; }

    /// <summary>
    /// Newest events of a user that are learned from. A Transformer's state after the longest history that it serves has a
    /// position of its own, so that one is learned too; a GRU has no positions. At least two: one to read, and its target.
    /// </summary>
    public int Window => Network == NetworkKind.Gru ? Math.Max(2, MaxHistory) : MaxHistory + 1;

    /// <summary>What suits a network where nothing else is asked for.</summary>
    public static FitOptions DefaultsOf(NetworkKind network) => network == NetworkKind.Gru
        ? new()
        : new() { Network = network, Layers = 2, ScaleInput = true, LearningRate = 1e-3, BatchSize = 32, Accumulate = 4 };
}
