namespace RecoServe.Trainer.Tradeoff;

/// <summary>Accuracy against what is favoured, at one reward.</summary>
/// <param name="Reward">ρ, the reward of a premium item where others have 1.</param>
/// <param name="Recall">Recall@N.</param>
/// <param name="PremiumShare">Share of premium items in the lists of N.</param>
internal sealed record TradeoffPoint(double Reward, double Recall, double PremiumShare);
