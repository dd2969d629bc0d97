using System.CommandLine;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Objectives;

/// <summary>The command line's form of <see cref="ObjectiveOptions"/>; what is not given is the default there.</summary>
internal sealed class ObjectiveCommandOptions
{
    private static readonly ObjectiveOptions Defaults = new();

    /// <summary>Options that mean something with others only.</summary>
    private static readonly (string Option, string Of, Func<ObjectiveOptions, bool> IsUsed, Func<ObjectiveOptions, object> Value)[] Dependent =
    [
        ("--negatives", "--loss sampled and gbce", o => o.Loss != LossKind.Softmax, o => o.Negatives),
        ("--negative-power", "--loss sampled and gbce", o => o.Loss != LossKind.Softmax, o => o.NegativePower),
        ("--log-q", "--loss sampled", o => o.Loss == LossKind.Sampled, o => o.LogQ),
        ("--calibration", "--loss gbce", o => o.Loss == LossKind.Gbce, o => o.Calibration),
        ("--weight-cap", "--objective ips, reinforce and top-k", o => o.Kind != ObjectiveKind.Clicks, o => o.WeightCap),
        ("--self-normalise", "--objective ips, reinforce and top-k", o => o.Kind != ObjectiveKind.Clicks, o => o.SelfNormalise),
        ("--slate-size", "--objective top-k", o => o.Kind == ObjectiveKind.TopK, o => o.SlateSize),
        ("--propensity-rank", "--propensity head", o => o.Propensity == PropensitySource.Head, o => o.PropensityRank),
        ("--propensity-smoothing", "--propensity frequency", o => o.Propensity == PropensitySource.Frequency, o => o.PropensitySmoothing),
        ("--category-attribute", "--category-from-state and --category-from-item", o => o.HasCategories, o => o.CategoryAttribute),
    ];

    private readonly CommandSettings<ObjectiveOptions> _settings = new();

    /// <summary>Declares the options on a command.</summary>
    public void AddTo(Command command)
    {
        _settings.AddChoice("--loss", nameof(ObjectiveOptions.Loss), Defaults.Loss, "What a target is set against", (o, v) => o with { Loss = v });
        _settings.Add("--exclude-watched", nameof(ObjectiveOptions.ExcludeWatched), Defaults.ExcludeWatched, "Whether a target is set against those items alone that are not in its history (softmax)", (o, v) => o with { ExcludeWatched = v });
        _settings.Add("--negatives", nameof(ObjectiveOptions.Negatives), Defaults.Negatives, "Items drawn against some targets (sampled, gbce: then 256 are enough)", (o, v) => o with { Negatives = v });
        _settings.Add("--negative-power", nameof(ObjectiveOptions.NegativePower), Defaults.NegativePower, "Items are drawn by their count to this power", (o, v) => o with { NegativePower = v });
        _settings.Add("--log-q", nameof(ObjectiveOptions.LogQ), Defaults.LogQ, "Share of the correction for how items are drawn (sampled)", (o, v) => o with { LogQ = v });
        _settings.Add("--calibration", nameof(ObjectiveOptions.Calibration), Defaults.Calibration, "gbce's t", (o, v) => o with { Calibration = v });
        _settings.AddChoice("--objective", nameof(ObjectiveOptions.Kind), Defaults.Kind, "How feedback weighs", (o, v) => o with { Kind = v });
        _settings.AddChoice("--propensity", nameof(ObjectiveOptions.Propensity), Defaults.Propensity, "Where the probability of a display comes from", (o, v) => o with { Propensity = v });
        _settings.Add("--propensity-rank", nameof(ObjectiveOptions.PropensityRank), Defaults.PropensityRank, "Width of the propensity head's item vectors", (o, v) => o with { PropensityRank = v });
        _settings.Add("--propensity-smoothing", nameof(ObjectiveOptions.PropensitySmoothing), Defaults.PropensitySmoothing, "Displays added to every item's count (frequency)", (o, v) => o with { PropensitySmoothing = v });
        _settings.Add("--weight-cap", nameof(ObjectiveOptions.WeightCap), Defaults.WeightCap, "Largest importance weight; 0: none", (o, v) => o with { WeightCap = v });
        _settings.Add("--self-normalise", nameof(ObjectiveOptions.SelfNormalise), Defaults.SelfNormalise, "Whether importance weights are divided by their mean over the batch", (o, v) => o with { SelfNormalise = v });
        _settings.Add("--baseline", nameof(ObjectiveOptions.Baseline), Defaults.Baseline, "Taken off every reward (BanditNet's lambda)", (o, v) => o with { Baseline = v });
        _settings.Add("--slate-size", nameof(ObjectiveOptions.SlateSize), Defaults.SlateSize, "K of top-k", (o, v) => o with { SlateSize = v });
        _settings.Add("--category-attribute", nameof(ObjectiveOptions.CategoryAttribute), Defaults.CategoryAttribute, "The items' attribute that the category tasks tell", (o, v) => o with { CategoryAttribute = v });
        _settings.Add("--category-from-state", nameof(ObjectiveOptions.CategoryFromState), Defaults.CategoryFromState, "Weight of telling the next item's category from the state", (o, v) => o with { CategoryFromState = v });
        _settings.Add("--category-from-item", nameof(ObjectiveOptions.CategoryFromItem), Defaults.CategoryFromItem, "Weight of telling an item's category from its vector", (o, v) => o with { CategoryFromItem = v });
        _settings.AddTo(command);
    }

    /// <summary>What the user gave.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="stored">Settings of the run to resume; null for a new run.</param>
    /// <exception cref="DataException">A value is out of range, does not fit another, or cannot change within a run.</exception>
    public ObjectiveOptions Bind(ParseResult result, ObjectiveOptions? stored)
    {
        var options = _settings.Bind(result, stored ?? Defaults, stored is not null);
        if (options.Kind != ObjectiveKind.Clicks && options.Propensity == PropensitySource.None)
            throw new DataException("--objective other than clicks needs --propensity: column, frequency or head");
        if (options.Kind == ObjectiveKind.Clicks && options.Propensity != PropensitySource.None)
            throw new DataException("--propensity is of --objective ips, reinforce and top-k: clicks weighs nothing by it");
        if (options.Loss == LossKind.Gbce && (options.Kind is ObjectiveKind.Reinforce or ObjectiveKind.TopK || options.Baseline != 0))
            throw new DataException("--loss gbce has no ln π: use --loss softmax or sampled with reinforce, top-k or a baseline");
        if (options.ExcludeWatched && options.Loss != LossKind.Softmax)
            throw new DataException("--exclude-watched is of --loss softmax: the items that sampled and gbce draw are shared by rows of many histories");
        if (stored is null)
            RequireUsed(options);
        return options;
    }

    /// <summary>Every option's name, and the value that it has in the options.</summary>
    public IEnumerable<KeyValuePair<string, object>> ValuesOf(ObjectiveOptions options) => _settings.ValuesOf(options);

    /// <summary>Refuses what would change nothing. A default changes nothing anyhow: a resolved config lists those of all options.</summary>
    private static void RequireUsed(ObjectiveOptions options)
    {
        foreach (var (option, of, isUsed, value) in Dependent)
        {
            if (!isUsed(options) && !value(options).Equals(value(Defaults)))
                throw new DataException($"{option} is of {of}: it would change nothing here");
        }
    }

    /// <summary>Refuses propensities of watches as if they were displays.</summary>
    /// <exception cref="DataException">Propensities are to be estimated of what was shown, and nothing tells what was.</exception>
    public static void RequireFit(ObjectiveOptions options, FeedbackOptions feedback)
    {
        if (options.Propensity is PropensitySource.Frequency or PropensitySource.Head && feedback.Impressions.Count == 0)
            throw new DataException("--propensity frequency and head learn from what was shown: --impressions names files of it; of watches alone only --propensity column is known");
    }

    /// <summary>Refuses what the log cannot give.</summary>
    /// <exception cref="DataException">
    /// A reward is below the baseline, so that its loss would have no minimum, or all are the baseline; items lack the attribute of a category task.
    /// </exception>
    public static void RequireFit(ObjectiveOptions options, WatchLog log)
    {
        if (options.HasCategories && !log.Catalogue.Attributes.ContainsKey(options.CategoryAttribute))
            throw new DataException($"--category-attribute {options.CategoryAttribute}: items have no such attribute, only {string.Join(", ", log.Catalogue.Attributes.Keys)}; --items names a file with it");
        var (lowest, highest) = log.Feedback is { } feedback ? (feedback.LowestReward, feedback.HighestReward) : (1, 1);
        if (log.Feedback?.RowCount != 0 && lowest == highest && options.Baseline == lowest)
            throw new DataException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"--baseline {options.Baseline} is the reward of every row: none would weigh anything"));
        if (options.Kind is ObjectiveKind.Clicks or ObjectiveKind.Ips && options.Baseline > lowest)
        {
            throw new DataException(string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"--baseline {options.Baseline} is above the lowest reward, {lowest}: with --objective clicks or ips the loss would have no minimum; use reinforce or top-k"));
        }
    }
}
