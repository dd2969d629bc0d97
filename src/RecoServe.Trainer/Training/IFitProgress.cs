namespace RecoServe.Trainer.Training;

/// <summary>Where a training tells how it goes.</summary>
internal interface IFitProgress
{
    /// <summary>A batch is learned.</summary>
    /// <param name="state">The state after it.</param>
    /// <param name="batches">Batches of the epoch.</param>
    void Learned(FitState state, int batches);

    /// <summary>An epoch has ended.</summary>
    void Ended(EpochReport report);
}
