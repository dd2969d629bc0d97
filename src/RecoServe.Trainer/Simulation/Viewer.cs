namespace RecoServe.Trainer.Simulation;

/// <summary>A simulated user: what the log shows (country, languages, devices) and what only the world knows (tastes). Immutable.</summary>
internal sealed class Viewer
{
    private const double TasteSpread = 1.3;
    private const double MedianSessions = 4.2;
    private const double SessionSpread = 0.85;

    private Viewer(int index) => Index = index;

    /// <summary>Index of the viewer. Index i has the id <c>u</c> + (i + 1) in five digits.</summary>
    public int Index { get; }

    /// <summary>Index into <see cref="Market.All"/>.</summary>
    public required int Country { get; init; }

    /// <summary>One or two indexes into <see cref="Market.Languages"/>, the first language first.</summary>
    public required int[] Languages { get; init; }

    /// <summary>One or two devices, the more used one first.</summary>
    public required Device[] Devices { get; init; }

    /// <summary>Utility of each category.</summary>
    public required double[] Taste { get; init; }

    /// <summary>Utility of a premium video.</summary>
    public required double Premium { get; init; }

    /// <summary>Indexes of the channels that the viewer returns to.</summary>
    public required int[] FavouriteChannels { get; init; }

    /// <summary>How often the viewer comes within the log's days.</summary>
    public required int Sessions { get; init; }

    /// <summary>Whether the viewer speaks a language.</summary>
    public bool Speaks(int language) => Array.IndexOf(Languages, language) >= 0;

    /// <summary>Draws viewer <paramref name="index"/> of a world.</summary>
    public static Viewer Create(VideoWorld world, SimulationOptions options, int index)
    {
        var random = new RandomStream(options.Seed, StreamPurpose.Viewer, index);
        var country = random.NextIndex([.. Market.All.Select(m => m.Weight)]);
        var languages = DrawLanguages(Market.All[country], random);
        var taste = world.Categories.Select(c => Math.Log(c.Weight) + (TasteSpread * random.NextNormal())).ToArray();
        return new Viewer(index)
        {
            Country = country,
            Languages = languages,
            Devices = DrawDevices(random),
            Taste = taste,
            Premium = -0.3 + (0.9 * random.NextNormal()),
            FavouriteChannels = DrawFavourites(world, languages, taste, random),
            Sessions = Math.Clamp((int)Math.Round(MedianSessions * Math.Exp(SessionSpread * random.NextNormal())), 2, 3 * options.Days),
        };
    }

    private static int[] DrawLanguages(Market market, RandomStream random)
    {
        var first = random.NextIndex(market.FirstLanguages);
        var english = random.NextBool(market.SpeaksEnglish);
        return first != Market.English && english ? [first, Market.English] : [first];
    }

    private static Device[] DrawDevices(RandomStream random)
    {
        double[] weights = [.3, .4, .12, .18];
        var first = random.NextIndex(weights);
        if (!random.NextBool(0.6))
            return [(Device)first];
        weights[first] = 0;
        return [(Device)first, (Device)random.NextIndex(weights)];
    }

    private static int[] DrawFavourites(VideoWorld world, int[] languages, double[] taste, RandomStream random)
    {
        var weights = world.Channels
            .Select(c => Array.IndexOf(languages, c.Language) < 0 ? 0 : Math.Exp((1.2 * taste[c.Category]) + c.Quality))
            .ToArray();
        if (!weights.Any(w => w > 0))
            return [];
        return [.. Enumerable.Range(0, 2 + random.NextInt(3)).Select(_ => random.NextIndex(weights)).Distinct()];
    }
}
