namespace RecoServe.Trainer.Evaluation;

/// <summary>Which of a user's events in a held-out period are asked for.</summary>
internal enum TargetRule
{
    /// <summary>Each of them, one question an event; what came before in the period belongs to the history, as it would in service.</summary>
    Every,

    /// <summary>The user's first: the history ends before the period.</summary>
    First,

    /// <summary>The user's last.</summary>
    Last,

    /// <summary>All of them in one question at the start of the period: the different items that the history does not have.</summary>
    Together,
}
