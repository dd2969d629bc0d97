namespace RecoServe.Trainer.Training;

/// <summary>One epoch.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="Sums">What its steps said.</param>
/// <param name="Validation">Null if this epoch was not validated.</param>
/// <param name="IsBest">Whether its weights are the best so far.</param>
/// <param name="LearningRate">The size of its last step.</param>
/// <param name="HeldOutPropensityLoss">Mean −ln β of the validation's displays, nats; null if this epoch was not validated, or there are none or no propensities.</param>
internal sealed record EpochReport(int Epoch, EpochSums Sums, ValidationScore? Validation, bool IsBest, double LearningRate, double? HeldOutPropensityLoss = null)
{
    /// <summary>Mean loss of its rows, nats.</summary>
    public double Loss => Sums.MeanOf(Sums.Loss);

    /// <summary>Rows learned a second.</summary>
    public double PositionsPerSecond => Sums.Rows / Math.Max(Sums.Seconds, 1e-9);
}
