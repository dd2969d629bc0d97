namespace RecoServe.Trainer.Simulation;

/// <summary>A category of videos: how its videos behave, and the words that their titles are made of.</summary>
/// <param name="Name">Its name, for example <c>cooking</c>.</param>
/// <param name="Weight">Relative number of channels and base taste (exp of the mean taste).</param>
/// <param name="Minutes">Median duration.</param>
/// <param name="HalfLifeDays">After so many days a video is half as fresh.</param>
/// <param name="SeriesShare">Share of the videos that are episodes of a series.</param>
/// <param name="Related">Categories that a mood drifts to.</param>
/// <param name="DeviceFit">Utility on each <see cref="Device"/>, in the enum's order.</param>
/// <param name="HourFit">Utility at night, in the morning, afternoon and evening (six hours each, from 0:00).</param>
/// <param name="Subjects">Noun phrases.</param>
/// <param name="Details">What follows a subject.</param>
/// <param name="Patterns">Titles of single videos.</param>
/// <param name="Shows">Names of series.</param>
/// <param name="Channels">Second halves of channel names.</param>
internal sealed record Category(
    string Name,
    double Weight,
    double Minutes,
    double HalfLifeDays,
    double SeriesShare,
    IReadOnlyList<string> Related,
    double[] DeviceFit,
    double[] HourFit,
    IReadOnlyList<string> Subjects,
    IReadOnlyList<string> Details,
    IReadOnlyList<string> Patterns,
    IReadOnlyList<string> Shows,
    IReadOnlyList<string> Channels);
