namespace RecoServe.Trainer.Objectives;

/// <summary>Sums over importance weights, from which their diagnostics follow.</summary>
/// <param name="Count">Number of weights.</param>
/// <param name="Sum">Their sum.</param>
/// <param name="Squares">The sum of their squares.</param>
/// <param name="Max">The largest.</param>
/// <param name="Rewards">The sum of the rewards, each times its weight.</param>
internal sealed record WeightSums(long Count, double Sum, double Squares, double Max, double Rewards = 0)
{
    /// <summary>Of no weight.</summary>
    public static WeightSums None { get; } = new(0, 0, 0, 0);

    /// <summary>
    /// Over all rows shown, near 1 for π/β and near the number of items that can be shown for 1/β; much less where the policy
    /// likes what was never shown.
    /// </summary>
    public double Mean => Count == 0 ? 0 : Sum / Count;

    /// <summary>Effective sample size as a share of the rows, (Σw)² / (n Σw²): 1 if all weigh the same, 1/n if one weighs all.</summary>
    public double EffectiveShare => Squares == 0 ? 0 : Sum * Sum / (Squares * Count);

    /// <summary>
    /// The self-normalised estimate of a display's reward (SNIPS, Swaminathan and Joachims 2015): under the policy if the weights are π/β of all rows
    /// shown, under one that shows all items alike if they are 1/β.
    /// </summary>
    public double EstimatedReward => Sum == 0 ? 0 : Rewards / Sum;

    /// <summary>The sums over both.</summary>
    public WeightSums Plus(WeightSums other) =>
        new(Count + other.Count, Sum + other.Sum, Squares + other.Squares, Math.Max(Max, other.Max), Rewards + other.Rewards);
}
