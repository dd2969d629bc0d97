namespace RecoServe.Trainer.Evaluation;

/// <summary>Which held-out event of a user is the target.</summary>
internal enum SplitPart
{
    /// <summary>The second last event; early stopping and choices of settings look at this one only.</summary>
    Validation,

    /// <summary>The last event.</summary>
    Test,
}
