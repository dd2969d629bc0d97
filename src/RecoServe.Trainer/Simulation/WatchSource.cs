namespace RecoServe.Trainer.Simulation;

/// <summary>How a viewer came to a video; the values of the <c>source</c> column are in <see cref="SimulationWriter"/>.</summary>
internal enum WatchSource
{
    /// <summary>Chosen from a slate.</summary>
    Slate,

    /// <summary>The next episode of a series.</summary>
    Series,

    /// <summary>Followed from a related video.</summary>
    Related,

    /// <summary>From a channel's page.</summary>
    Channel,

    /// <summary>Found in the category of the mood.</summary>
    Browse,
}
