namespace RecoServe.Trainer.Objectives;

/// <summary>Where the probability β with which an item was shown comes from.</summary>
internal enum PropensitySource
{
    /// <summary>Nowhere: only <see cref="ObjectiveKind.Clicks"/> can do without.</summary>
    None,

    /// <summary>The log's column <c>propensity</c>.</summary>
    Column,

    /// <summary>The item's share of all that was shown: <see cref="FrequencyPropensity"/>.</summary>
    Frequency,

    /// <summary>Learned beside the policy from its states: <see cref="PropensityHead"/>.</summary>
    Head,
}
