using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Training;

/// <summary>Sums over the steps of an epoch so far.</summary>
internal sealed record EpochSums
{
    /// <summary>Of the losses of all rows, nats.</summary>
    public double Loss { get; init; }

    /// <summary>Rows learned from.</summary>
    public long Rows { get; init; }

    /// <summary>Seconds spent learning.</summary>
    public double Seconds { get; init; }

    /// <summary>Of the importance weights.</summary>
    public WeightSums Weights { get; init; } = WeightSums.None;

    /// <summary>Of the propensity head's losses, nats.</summary>
    public double PropensityLoss { get; init; }

    /// <summary>Of the category heads' losses, nats.</summary>
    public double CategoryLoss { get; init; }

    /// <summary>The sums after one more step.</summary>
    public EpochSums Plus(StepReport step, double seconds) => new()
    {
        Loss = Loss + (step.Loss * step.Rows),
        Rows = Rows + step.Rows,
        Seconds = Seconds + seconds,
        Weights = Weights.Plus(step.Weights),
        PropensityLoss = PropensityLoss + (step.PropensityLoss * step.Rows),
        CategoryLoss = CategoryLoss + (step.CategoryLoss * step.Rows),
    };

    /// <summary>A sum's mean over the rows.</summary>
    public double MeanOf(double sum) => Rows == 0 ? 0 : sum / Rows;
}
