namespace RecoServe.Trainer.Search;

/// <summary>What a trial has reached at the end of a rung.</summary>
/// <param name="Trial">The trial.</param>
/// <param name="Rung">From 1; a random search has one.</param>
/// <param name="Epochs">Epochs learned so far; fewer than the rung allows if validation no longer improved.</param>
/// <param name="HitRate">Validation HR@10 of the best weights; NaN if a loss or a score was not finite.</param>
/// <param name="Ndcg">Validation NDCG@10, by which trials are chosen; NaN likewise.</param>
/// <param name="Seconds">Wall-clock time of the rung.</param>
internal sealed record TrialResult(Trial Trial, int Rung, int Epochs, double HitRate, double Ndcg, double Seconds);
