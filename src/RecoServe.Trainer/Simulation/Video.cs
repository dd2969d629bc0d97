namespace RecoServe.Trainer.Simulation;

/// <summary>A channel: a publisher in one category and one language.</summary>
/// <param name="Name">Its name, unique.</param>
/// <param name="Category">Index of the category.</param>
/// <param name="Language">Index into <see cref="Market.Languages"/>.</param>
/// <param name="Quality">Mean quality of its videos.</param>
/// <param name="Size">Relative number of videos.</param>
internal sealed record Channel(string Name, int Category, int Language, double Quality, double Size);

/// <summary>A video with what the log shows of it (title … series) and what only the world knows (quality, fame).</summary>
internal sealed record Video
{
    /// <summary>No video.</summary>
    public const int None = -1;

    /// <summary>Title, unique.</summary>
    public required string Title { get; init; }

    /// <summary>Index of the category.</summary>
    public required int Category { get; init; }

    /// <summary>Index of the channel.</summary>
    public required int Channel { get; init; }

    /// <summary>Index into <see cref="Market.Languages"/>.</summary>
    public required int Language { get; init; }

    /// <summary>Length in seconds.</summary>
    public required int DurationSeconds { get; init; }

    /// <summary>Day of release, 0 = the first day of the log; older videos have negative days.</summary>
    public required int ReleaseDay { get; init; }

    /// <summary>Name of the series; empty for a video of its own.</summary>
    public required string Series { get; init; }

    /// <summary>Utility to every viewer; mean about 0, standard deviation about 0.8.</summary>
    public required double Quality { get; init; }

    /// <summary>Index of the next episode, or <see cref="None"/>.</summary>
    public int NextEpisode { get; init; } = None;

    /// <summary>Whether it is a premium video.</summary>
    public bool Premium { get; init; }

    /// <summary>Log of how well known it is: Zipf over a rank that only partly follows quality; mean 0.</summary>
    public double Fame { get; init; }

    /// <summary>How fresh it is on a day: 1 on the day of release, halved with every half-life of its category.</summary>
    public double Freshness(int day, double halfLifeDays) => Math.Pow(2, (ReleaseDay - day) / halfLifeDays);
}
