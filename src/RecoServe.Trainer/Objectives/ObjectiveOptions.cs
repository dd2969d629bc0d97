using System.ComponentModel.DataAnnotations;

namespace RecoServe.Trainer.Objectives;

/// <summary>What a training strives for.</summary>
internal sealed record ObjectiveOptions
{
    /// <summary>What a target is set against.</summary>
    public LossKind Loss { get; init; } = LossKind.Softmax;

    /// <summary>Whether a target is set against those items alone that its history does not hold, as they are left out when it is served.</summary>
    public bool ExcludeWatched { get; init; }

    /// <summary>Items drawn against the targets of a chunk, for the losses that draw.</summary>
    [Range(1, 10_000_000)]
    public int Negatives { get; init; } = 2048;

    /// <summary>Items are drawn by their training count to this power: 0 is all alike, as gBCE wants it.</summary>
    [Range(0.0, 2)]
    public double NegativePower { get; init; }

    /// <summary>Share of the logQ correction that the sampled softmax makes: less than 1 favours rarely drawn items.</summary>
    [Range(0.0, 1)]
    public double LogQ { get; init; } = 1;

    /// <summary>gBCE's t.</summary>
    [Range(0.0, 1)]
    public double Calibration { get; init; } = 0.75;

    /// <summary>How a row of feedback weighs.</summary>
    public ObjectiveKind Kind { get; init; } = ObjectiveKind.Clicks;

    /// <summary>Largest importance weight, 1/β or π/β; 0 for none. Lower is less variance and more of the log's own taste.</summary>
    [Range(0.0, 1e9)]
    public double WeightCap { get; init; }

    /// <summary>Whether importance weights are divided by their mean over the batch: the step size then does not depend on them.</summary>
    public bool SelfNormalise { get; init; } = true;

    /// <summary>λ, taken off every reward (Joachims, Swaminathan and de Rijke 2018): rows below it then push away.</summary>
    [Range(-1e6, 1e6)]
    public double Baseline { get; init; }

    /// <summary>K of the top-K correction: the length of the slates to be drawn.</summary>
    [Range(1, 10_000)]
    public int SlateSize { get; init; } = 16;

    /// <summary>Where β comes from.</summary>
    public PropensitySource Propensity { get; init; } = PropensitySource.None;

    /// <summary>Width of the propensity head's own item vectors.</summary>
    [Range(1, 4096)]
    public int PropensityRank { get; init; } = 32;

    /// <summary>Displays added to every item's count by the frequency estimator.</summary>
    [Range(1e-6, 1e6)]
    public double PropensitySmoothing { get; init; } = 1;

    /// <summary>The items' attribute that the category heads tell.</summary>
    public string CategoryAttribute { get; init; } = "category";

    /// <summary>Weight of telling the next item's category from the state.</summary>
    [Range(0.0, 100)]
    public double CategoryFromState { get; init; }

    /// <summary>Weight of telling an item's own category from its vector.</summary>
    [Range(0.0, 100)]
    public double CategoryFromItem { get; init; }

    /// <summary>Whether there is a category task.</summary>
    public bool HasCategories => CategoryFromState > 0 || CategoryFromItem > 0;
}
