namespace RecoServe.Trainer.Evaluation.OffPolicy;

/// <summary>Logged rounds, and how far they can tell what another policy earns.</summary>
internal sealed class OffPolicyEvaluation
{
    private readonly IReadOnlyList<LoggedRound> _rounds;

    /// <param name="rounds">At least one; those of one user beside each other.</param>
    public OffPolicyEvaluation(IReadOnlyList<LoggedRound> rounds)
    {
        _rounds = rounds;
        var (sum, squares) = (0.0, 0.0);
        foreach (var round in rounds)
        {
            var weight = round.Weight;
            (sum, squares, MaxWeight) = (sum + weight, squares + (weight * weight), Math.Max(MaxWeight, weight));
        }

        (MeanWeight, EffectiveShare) = (sum / rounds.Count, squares > 0 ? sum * sum / squares / rounds.Count : 0);
    }

    /// <summary>Number of rounds.</summary>
    public int Count => _rounds.Count;

    /// <summary>Number of users.</summary>
    public int Users => _rounds.Select(r => r.User).Distinct().Count();

    /// <summary>The mean of w: about 1 where the log shows everything that the policy would; less where it never shows some of that.</summary>
    public double MeanWeight { get; }

    /// <summary>The largest w.</summary>
    public double MaxWeight { get; }

    /// <summary>Kish's effective sample size as a share of the rounds, (Σ w)² / (n Σ w²); 0 if all weights are.</summary>
    public double EffectiveShare { get; }

    /// <summary>The estimates, in order, with 95 % intervals of a bootstrap over users.</summary>
    /// <param name="estimators">Which.</param>
    /// <param name="resamples">Its draws; 0 for no intervals.</param>
    /// <param name="seed">Its seed.</param>
    public IReadOnlyList<OffPolicyEstimate> Estimate(IEnumerable<OffPolicyEstimator> estimators, int resamples, int seed)
    {
        var bootstrap = resamples == 0 ? null : new Bootstrap([.. _rounds.Select(r => r.User)], resamples, seed);
        return [.. estimators.Select(estimator => estimator.Estimate(_rounds, bootstrap))];
    }
}
