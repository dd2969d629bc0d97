namespace RecoServe.Trainer.Training;

/// <summary>Where a training run stands: with weights and moments, all that continuing needs.</summary>
internal sealed record FitState
{
    /// <summary>The epoch in progress, from 1.</summary>
    public int Epoch { get; init; } = 1;

    /// <summary>Steps of this epoch that are taken, each of one or more batches.</summary>
    public int EpochSteps { get; init; }

    /// <summary>What this epoch's batches said.</summary>
    public EpochSums Sums { get; init; } = new();

    /// <summary>The optimiser's steps.</summary>
    public long Steps { get; init; }

    /// <summary>The epoch of the best weights; 0 before the first validation.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Validation of the best weights.</summary>
    public ValidationScore Best { get; init; } = new(0, -1);

    /// <summary>Validations since then.</summary>
    public int Stale { get; init; }

    /// <summary>How often the learning rate was halved.</summary>
    public int Halvings { get; init; }

    /// <summary>The state after one more step.</summary>
    public FitState Learned(StepReport step, double seconds) =>
        this with { EpochSteps = EpochSteps + 1, Sums = Sums.Plus(step, seconds), Steps = Steps + 1 };

    /// <summary>The state after a validation.</summary>
    public FitState Validated(ValidationScore score, int halveAfter) => score.Ndcg > Best.Ndcg
        ? this with { Best = score, BestEpoch = Epoch, Stale = 0 }
        : this with { Stale = Stale + 1, Halvings = Halvings + ((Stale + 1) % halveAfter == 0 ? 1 : 0) };

    /// <summary>The state at the start of the next epoch.</summary>
    public FitState NextEpoch() => this with { Epoch = Epoch + 1, EpochSteps = 0, Sums = new EpochSums() };
}

/// <summary>The two numbers of a validation.</summary>
/// <param name="HitRate">HR@10.</param>
/// <param name="Ndcg">NDCG@10, which chooses the best weights.</param>
internal sealed record ValidationScore(double HitRate, double Ndcg);
