namespace RecoServe.Trainer.Simulation;

/// <summary>The weights of the viewers' behaviour; docs/simulator.md has the formulas that they enter.</summary>
internal sealed record ViewerParameters
{
    /// <summary>Utility of a video in the category of the session's mood.</summary>
    public double Mood { get; init; } = 1.5;

    /// <summary>Utility of a video in a language that the viewer does not speak.</summary>
    public double ForeignLanguage { get; init; } = -3;

    /// <summary>Utility of the next episode of the series watched last.</summary>
    public double NextEpisode { get; init; } = 3;

    /// <summary>Utility of a video of the channel watched last.</summary>
    public double SameChannel { get; init; } = 0.4;

    /// <summary>Utility of a video of one of the viewer's favourite channels.</summary>
    public double FavouriteChannel { get; init; } = 1.5;

    /// <summary>Utility of a video that is related to the one watched last.</summary>
    public double Related { get; init; } = 1;

    /// <summary>Utility of a video on its day of release.</summary>
    public double Freshness { get; init; } = 0.8;

    /// <summary>Utility lost per squared log-ratio of duration to the device's preferred duration.</summary>
    public double Duration { get; init; } = 0.3;

    /// <summary>Minutes that suit each <see cref="Device"/>.</summary>
    public double[] PreferredMinutes { get; init; } = [25, 6, 14, 12];

    /// <summary>Utility lost per natural logarithm of the slot's number.</summary>
    public double PositionBias { get; init; } = 0.5;

    /// <summary>Utility of watching nothing of a slate.</summary>
    public double OutsideOption { get; init; } = 4;

    /// <summary>How much fame counts when a viewer finds a video without a slate.</summary>
    public double OrganicFame { get; init; } = 0.7;

    /// <summary>Probability that a step is a search of one's own and not a slate.</summary>
    public double Organic { get; init; } = 0.6;

    /// <summary>Own search: probability of the next episode of the last series, times the fraction watched of the last episode.</summary>
    public double ContinueSeries { get; init; } = 0.6;

    /// <summary>Own search: probability of going back to an unfinished series, at the first step of a session and later.</summary>
    public double[] ResumeSeries { get; init; } = [0.6, 0.2];

    /// <summary>Own search: probability of a related video of one of the last watches.</summary>
    public double FollowRelated { get; init; } = 0.3;

    /// <summary>Which of the last watches is followed, newest first.</summary>
    public double[] RelatedAnchors { get; init; } = [0.2, 0.2, 0.2, 0.2, 0.2];

    /// <summary>Own search: probability of a channel's page.</summary>
    public double VisitChannel { get; init; } = 0.5;

    /// <summary>Probability that the channel is a favourite one, not the one watched last.</summary>
    public double VisitFavourite { get; init; } = 0.85;

    /// <summary>Probability that the mood stays, and that it drifts to a related category; else it is drawn anew.</summary>
    public double[] MoodDrift { get; init; } = [0.8, 0.1];

    /// <summary>Probability that the session ends after a watch, and after a slate with no watch.</summary>
    public double[] Leave { get; init; } = [0.2, 0.35];
}
