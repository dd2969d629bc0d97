namespace RecoServe.Trainer.Evaluation.OffPolicy;

/// <summary>What an estimator says that a round of a policy earns.</summary>
/// <param name="Name">The estimator's name.</param>
/// <param name="Value">The estimate.</param>
/// <param name="Low">Lower end of its 95 % interval; NaN without resamples.</param>
/// <param name="High">Upper end.</param>
internal sealed record OffPolicyEstimate(string Name, double Value, double Low, double High);
