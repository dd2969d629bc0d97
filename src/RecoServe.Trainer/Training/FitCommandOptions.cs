using System.CommandLine;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Training;

/// <summary>The command line's form of <see cref="FitOptions"/>; what is not given is the default there.</summary>
internal sealed class FitCommandOptions
{
    private static readonly FitOptions Defaults = new();

    private readonly CommandSettings<FitOptions> _settings = new();
    private readonly ObjectiveCommandOptions _objective = new();

    private readonly Option<string[]> _itemFeatures = new("--item-feature")
    {
        Description = "Attributes of --items that are part of an item's vector: the mean of its values' vectors is added",
        AllowMultipleArgumentsPerToken = true,
        HelpName = "NAME",
    };

    private Option<NetworkKind> _network = null!; // by AddTo

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        AddNetwork();
        AddTraining();
        _settings.AddTo(command);
        _objective.AddTo(command);
    }

    /// <summary>What the user gave.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="stored">Settings of the run to resume; null for a new run. Only limits can differ from them.</param>
    /// <exception cref="DataException">A value is out of range, or cannot change within a run.</exception>
    public FitOptions Bind(ParseResult result, FitOptions? stored)
    {
        var options = _settings.Bind(result, stored ?? FitOptions.DefaultsOf(result.GetRequiredValue(_network)), stored is not null);
        options = options with { Objective = _objective.Bind(result, stored?.Objective) };
        if (stored is null && options is { Decay: not DecayKind.None, DecayEpochs: 0 })
            options = options with { DecayEpochs = options.MaxEpochs };
        RequireFit(options);
        return options;
    }

    /// <summary>Every option's name, and the value that it has in the options.</summary>
    public IReadOnlyDictionary<string, object> ValuesOf(FitOptions options) =>
        _settings.ValuesOf(options).Concat(_objective.ValuesOf(options.Objective)).ToDictionary();

    private static void RequireFit(FitOptions options)
    {
        var (name, width) = options.StateDimension == 0 ? ("--dimension", options.Dimension) : ("--state-dimension", options.StateDimension);
        if (width % options.Heads != 0)
            throw new DataException($"--heads {options.Heads} does not divide {name} {width}");
        if (options.Heads > 1 && options.Network == NetworkKind.Gru)
            throw new DataException("--heads is of a Transformer; --network gru has none");
        if (options.Memory > 0 && options.Network == NetworkKind.Gru)
            throw new DataException("--memory is of a Transformer; --network gru has another");
        if (options.Optimiser == OptimiserKind.SparseAdam && options.Objective.Loss == LossKind.Softmax)
            throw new DataException("--optimiser sparse-adam is of losses that use some items: --loss sampled or gbce; --loss softmax uses all");
        if (options.Optimiser == OptimiserKind.SparseAdam && options.Average > 0)
            throw new DataException("--optimiser sparse-adam does not go with --average, which takes in the vectors of all items at every step");
        if (options.Optimiser == OptimiserKind.SparseAdam && options.ItemFeatures.Count > 0)
            throw new DataException("--optimiser sparse-adam does not go with --item-feature, which composes the vectors of all items at every step");
    }

    private void AddNetwork()
    {
        _network = _settings.AddChoice("--network", nameof(FitOptions.Network), Defaults.Network, "How histories are read: gated recurrent units, or causal Transformer blocks of SASRec or of LiGR", (o, v) => o with { Network = v });
        _settings.AddChoice("--output", nameof(FitOptions.Output), Defaults.Output, "Whether items are scored by the vectors that are read (tied), or by others", (o, v) => o with { Output = v });
        _settings.AddChoice("--context-fusion", nameof(FitOptions.ContextFusion), Defaults.ContextFusion, "What the request's context does to the state", (o, v) => o with { ContextFusion = v });
        Add("--time-gaps", nameof(FitOptions.TimeGaps), Defaults.TimeGaps, "Whether the times between watches are read", (o, v) => o with { TimeGaps = v });
        Add("--history-context", nameof(FitOptions.HistoryContext), Defaults.HistoryContext, "Whether the contexts of watches are read, beside the request's", (o, v) => o with { HistoryContext = v });
        _settings.Add(_itemFeatures, nameof(FitOptions.ItemFeatures), false, (o, r) => o with { ItemFeatures = r.GetRequiredValue(_itemFeatures) });
        Add("--item-bias", nameof(FitOptions.ItemBias), Defaults.ItemBias, "Whether each item has a bias", (o, v) => o with { ItemBias = v });
        Add("--dimension", nameof(FitOptions.Dimension), Defaults.Dimension, "Width of item vectors, and of states", (o, v) => o with { Dimension = v });
        Add("--state-dimension", nameof(FitOptions.StateDimension), Defaults.StateDimension, "Width of states where it is another, with a projection to that of item vectors; 0 for the same", (o, v) => o with { StateDimension = v });
        Add("--layers", nameof(FitOptions.Layers), Defaults.Layers, "GRU layers, or Transformer blocks (then 2)", (o, v) => o with { Layers = v });
        Add("--heads", nameof(FitOptions.Heads), Defaults.Heads, "Attention heads of a Transformer block", (o, v) => o with { Heads = v });
        Add("--memory", nameof(FitOptions.Memory), Defaults.Memory, "Watches of a segment in which a Transformer reads a history, seeing the segment before and distances instead of positions (Transformer-XL); 0: all at once", (o, v) => o with { Memory = v });
        Add("--scale-input", nameof(FitOptions.ScaleInput), Defaults.ScaleInput, "Whether item vectors are multiplied by the root of the dimension where a history is read (Transformer: true)", (o, v) => o with { ScaleInput = v });
    }

    private void AddTraining()
    {
        Add("--max-history", nameof(FitOptions.MaxHistory), Defaults.MaxHistory, "Newest watches of a user that are used", (o, v) => o with { MaxHistory = v });
        Add("--windows", nameof(FitOptions.Windows), Defaults.Windows, "Windows of --max-history watches that are learned of a user who has more, the newest first", (o, v) => o with { Windows = v });
        Add("--batch-size", nameof(FitOptions.BatchSize), Defaults.BatchSize, "Users a batch (Transformer: 32)", (o, v) => o with { BatchSize = v });
        Add("--accumulate", nameof(FitOptions.Accumulate), Defaults.Accumulate, "Batches a step (Transformer: 4)", (o, v) => o with { Accumulate = v });
        _settings.AddChoice("--optimiser", nameof(FitOptions.Optimiser), Defaults.Optimiser, "Whether a step moves all items' vectors, or those alone that it used (large catalogues)", (o, v) => o with { Optimiser = v });
        Add("--learning-rate", nameof(FitOptions.LearningRate), Defaults.LearningRate, "Adam's step size (Transformer: 0.001)", (o, v) => o with { LearningRate = v });
        Add("--warmup-steps", nameof(FitOptions.WarmupSteps), Defaults.WarmupSteps, "Steps in which the step size rises to its full height", (o, v) => o with { WarmupSteps = v });
        _settings.AddChoice("--decay", nameof(FitOptions.Decay), Defaults.Decay, "How the step size falls to 0 over --decay-epochs; with none it is halved when validation stops improving", (o, v) => o with { Decay = v });
        Add("--decay-epochs", nameof(FitOptions.DecayEpochs), Defaults.DecayEpochs, "Epochs of the decay; 0: the --epochs that the run begins with", (o, v) => o with { DecayEpochs = v });
        Add("--halve-after", nameof(FitOptions.HalveAfter), Defaults.HalveAfter, "Validations without a better NDCG@10 after which the step size is halved", (o, v) => o with { HalveAfter = v });
        Add("--average", nameof(FitOptions.Average), Defaults.Average, "Decay per step of an average of the weights, which is validated and exported in their place: 0.995 for the last two hundred steps; 0: none", (o, v) => o with { Average = v });
        Add("--dropout", nameof(FitOptions.Dropout), Defaults.Dropout, "Share of embedding and state cells zeroed in training", (o, v) => o with { Dropout = v });
        Add("--clip-norm", nameof(FitOptions.ClipNorm), Defaults.ClipNorm, "Longest gradient", (o, v) => o with { ClipNorm = v });
        Add("--seed", nameof(FitOptions.Seed), Defaults.Seed, "Seed of everything random", (o, v) => o with { Seed = v });
        _settings.AddChoice("--device", nameof(FitOptions.Device), Defaults.Device, "What computes: a GPU if there is one (auto), or that which is named; a GPU takes a build with -p:TorchFlavor=gpu", (o, v) => o with { Device = v });
        Add("--threads", nameof(FitOptions.Threads), Defaults.Threads, "Threads of a matrix product; results repeat for the same number", (o, v) => o with { Threads = v });
        Add("--fast-products", nameof(FitOptions.FastProducts), Defaults.FastProducts, "Whether oneDNN multiplies matrices: faster on some processors, other last digits", (o, v) => o with { FastProducts = v });
        Add("--evaluate-every", nameof(FitOptions.EvaluateEvery), Defaults.EvaluateEvery, "Epochs from one validation to the next", (o, v) => o with { EvaluateEvery = v });
        Add("--epochs", nameof(FitOptions.MaxEpochs), Defaults.MaxEpochs, "Most passes over the log", (o, v) => o with { MaxEpochs = v }, isLimit: true);
        Add("--patience", nameof(FitOptions.Patience), Defaults.Patience, "Validations without a better NDCG@10 after which training stops", (o, v) => o with { Patience = v }, isLimit: true);
        Add("--minutes", nameof(FitOptions.TimeBudget), Defaults.TimeBudget, "Minutes after which training stops with the best weights so far", (o, v) => o with { TimeBudget = v }, isLimit: true);
    }

    private void Add<T>(string name, string property, T standard, string description, Func<FitOptions, T, FitOptions> with, bool isLimit = false) =>
        _settings.Add(name, property, standard, description, with, isLimit);
}
