namespace RecoServe.Trainer.Training;

/// <summary>Where a training tells how it goes.</summary>
internal interface IFitProgress
{
    /// <summary>A step is taken.</summary>
    /// <param name="state">The state after it.</param>
    /// <param name="steps">Steps of the epoch.</param>
    void Learned(FitState state, int steps);

    /// <summary>An epoch has ended.</summary>
    void Ended(EpochReport report);
}
