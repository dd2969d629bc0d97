namespace RecoServe.Trainer.Evaluation.OffPolicy;

/// <summary>One choice of a logging policy π₀, and what came of it, beside what the policy π that is judged would have done in its place.</summary>
/// <param name="User">Whose round it is: those of one user stand beside each other.</param>
/// <param name="Reward">r, finite.</param>
/// <param name="Propensity">π₀ of the item shown, in (0, 1].</param>
/// <param name="Probability">π of the item shown, in [0, 1].</param>
/// <param name="ShownModel">q̂ of the item shown: what a model of the rewards expects of it. 0 without a model.</param>
/// <param name="PolicyModel">Σ π q̂ over all items: what the model expects of π. 0 without a model.</param>
internal readonly record struct LoggedRound(int User, double Reward, double Propensity, double Probability, double ShownModel = 0, double PolicyModel = 0)
{
    /// <summary>w = π / π₀ of the item shown.</summary>
    public double Weight => Probability / Propensity;
}
