namespace RecoServe.Trainer.Objectives;

/// <summary>What a target is set against.</summary>
internal enum LossKind
{
    /// <summary>All items: <see cref="FullSoftmax"/>.</summary>
    Softmax,

    /// <summary>Drawn items, corrected for how they are drawn: <see cref="SampledSoftmax"/>.</summary>
    Sampled,

    /// <summary>Drawn items, each with a probability of its own: <see cref="GeneralisedBce"/>.</summary>
    Gbce,
}
