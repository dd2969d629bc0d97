namespace RecoServe.Trainer.Training;

/// <summary>How a training ended.</summary>
/// <param name="Reason">Why it stopped.</param>
/// <param name="Epoch">The epoch of the best weights.</param>
/// <param name="Validation">Their validation.</param>
internal sealed record FitResult(StopReason Reason, int Epoch, ValidationScore Validation);

/// <summary>Why a training stopped. After each of them the run can be resumed, with higher limits.</summary>
internal enum StopReason
{
    /// <summary>All epochs are done.</summary>
    MaxEpochs,

    /// <summary>Validation has not improved for the epochs of the patience.</summary>
    NoImprovement,

    /// <summary>The time budget is spent.</summary>
    TimeBudget,

    /// <summary>The user asked, after the batch that was being learned.</summary>
    Interrupted,
}
