using RecoServe.Trainer.Objectives;

namespace RecoServe.Trainer.Training;

/// <summary>What one step of training tells.</summary>
/// <param name="Loss">Mean loss over the rows, nats, before the step.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Weights">Sums over the importance weights; none for objectives without.</param>
/// <param name="PropensityLoss">Mean −ln β̂ of the propensity head, nats; 0 without one.</param>
/// <param name="CategoryLoss">Mean loss of the category heads over the rows, of which those of reward 0 have none, nats, before their weights; 0 without.</param>
internal sealed record StepReport(double Loss, int Rows, WeightSums Weights, double PropensityLoss, double CategoryLoss)
{
    /// <summary>What the rows of both tell.</summary>
    public StepReport Plus(StepReport other)
    {
        double Mean(double own, double others) => ((own * Rows) + (others * other.Rows)) / (Rows + other.Rows);
        return new StepReport(
            Mean(Loss, other.Loss),
            Rows + other.Rows,
            Weights.Plus(other.Weights),
            Mean(PropensityLoss, other.PropensityLoss),
            Mean(CategoryLoss, other.CategoryLoss));
    }
}
