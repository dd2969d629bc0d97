namespace RecoServe.Trainer.Training;

/// <summary>How a step moves the weights.</summary>
internal enum OptimiserKind
{
    /// <summary>Adam: every step moves every weight.</summary>
    Adam,

    /// <summary>
    /// Adam that moves only those rows of the items' tables which the step used ("lazy"): the moments of the other rows wait
    /// for their next use. A step costs nothing for the items that it does not see.
    /// </summary>
    SparseAdam,
}
