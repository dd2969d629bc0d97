namespace RecoServe.Trainer.Simulation;

/// <summary>What a viewer has watched so far and is in the mood for.</summary>
internal sealed class ViewingState
{
    private readonly List<int> _history = [];
    private readonly HashSet<int> _watched = [];
    private readonly List<int> _lastEpisodes = [];

    /// <summary>The watches, oldest first.</summary>
    public IReadOnlyList<int> History => _history;

    /// <summary>The watches, without order.</summary>
    public IReadOnlySet<int> Watched => _watched;

    /// <summary>The last watched episode of every series begun, the series touched last at the end.</summary>
    public IReadOnlyList<int> LastEpisodes => _lastEpisodes;

    /// <summary>The last watch, or <see cref="Video.None"/>.</summary>
    public int Last => _history.Count == 0 ? Video.None : _history[^1];

    /// <summary>Fraction watched of the last watch; 0 if there is none.</summary>
    public double LastFraction { get; private set; }

    /// <summary>The category that the viewer is in the mood for.</summary>
    public int Mood { get; set; }

    /// <summary>Adds a watch.</summary>
    public void Add(int index, double fraction, VideoWorld world)
    {
        _history.Add(index);
        _watched.Add(index);
        LastFraction = fraction;
        var series = world.Videos[index].Series;
        if (series.Length == 0)
            return;
        _lastEpisodes.RemoveAll(e => world.Videos[e].Series == series);
        _lastEpisodes.Add(index);
    }

    /// <summary>The next episode after <paramref name="index"/> if it is out and not watched, else <see cref="Video.None"/>.</summary>
    public int NextEpisode(int index, int day, VideoWorld world)
    {
        if (index == Video.None)
            return Video.None;
        var next = world.Videos[index].NextEpisode;
        return next != Video.None && IsOpen(next, day, world) ? next : Video.None;
    }

    /// <summary>Whether a video is out on a day and not watched yet.</summary>
    public bool IsOpen(int index, int day, VideoWorld world) => world.Videos[index].ReleaseDay <= day && !_watched.Contains(index);
}
