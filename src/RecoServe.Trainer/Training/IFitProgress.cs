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

/// <summary>One epoch.</summary>
/// <param name="Epoch">Its number, from 1.</param>
/// <param name="Loss">Mean loss of its positions, nats.</param>
/// <param name="Validation">Null if this epoch was not validated.</param>
/// <param name="IsBest">Whether its weights are the best so far.</param>
/// <param name="Seconds">Time spent learning, without validation.</param>
/// <param name="PositionsPerSecond">Targets learned a second.</param>
/// <param name="LearningRate">The optimiser's step size.</param>
internal sealed record EpochReport(
    int Epoch, double Loss, ValidationScore? Validation, bool IsBest, double Seconds, double PositionsPerSecond, double LearningRate);
