namespace RecoServe.Trainer.Simulation;

/// <summary>The videos of the simulated world with everything that does not depend on a viewer. Immutable.</summary>
internal sealed class VideoWorld
{
    private readonly int[][] _byShelf;

    internal VideoWorld(IReadOnlyList<Category> categories, Channel[] channels, Video[] videos, int[][] related)
    {
        (Categories, Channels, Videos, Related) = (categories, channels, videos, related);
        RelatedCategories = [.. categories.Select(c => c.Related.Select(name => IndexOf(categories, name)).ToArray())];
        ByChannel = Grouped(channels.Length, v => v.Channel);
        _byShelf = Grouped(categories.Count * Market.Languages.Count, ShelfOf);
    }

    /// <summary>The categories.</summary>
    public IReadOnlyList<Category> Categories { get; }

    /// <summary>For each category the indexes of those that a mood drifts to.</summary>
    public int[][] RelatedCategories { get; }

    /// <summary>The channels.</summary>
    public IReadOnlyList<Channel> Channels { get; }

    /// <summary>The videos. Index i has the id <c>v</c> + (i + 1) in five digits.</summary>
    public IReadOnlyList<Video> Videos { get; }

    /// <summary>For each video those that are watched after it more often than chance says.</summary>
    public IReadOnlyList<int[]> Related { get; }

    /// <summary>The videos of each channel.</summary>
    public IReadOnlyList<int[]> ByChannel { get; }

    /// <summary>Number of shelves: a shelf holds the videos of one category in one language.</summary>
    public int ShelfCount => _byShelf.Length;

    /// <summary>The videos of a shelf.</summary>
    public int[] Shelf(int shelf) => _byShelf[shelf];

    /// <summary>The shelf of a category and a language.</summary>
    public static int ShelfOf(int category, int language) => (category * Market.Languages.Count) + language;

    /// <summary>The shelf that a video stands on.</summary>
    public static int ShelfOf(Video video) => ShelfOf(video.Category, video.Language);

    /// <summary>Builds the world that the options describe.</summary>
    public static VideoWorld Create(SimulationOptions options) => new VideoWorldBuilder(options, Vocabulary.Load()).Build();

    private static int IndexOf(IReadOnlyList<Category> categories, string name)
    {
        for (var i = 0; i < categories.Count; i++)
        {
            if (categories[i].Name == name)
                return i;
        }

        throw new ArgumentException($"no category is named \"{name}\"");
    }

    private int[][] Grouped(int groups, Func<Video, int> groupOf)
    {
        var members = Enumerable.Range(0, Videos.Count).ToLookup(i => groupOf(Videos[i]));
        return [.. Enumerable.Range(0, groups).Select(g => members[g].ToArray())];
    }
}
