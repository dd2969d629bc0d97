namespace RecoServe.Trainer.Simulation;

/// <summary>
/// Builds a <see cref="VideoWorld"/>: (1) channels, (2) productions (single videos and series) until there are enough videos,
/// (3) premium flags, (4) fame, (5) related videos.
/// </summary>
internal sealed class VideoWorldBuilder(SimulationOptions options, Vocabulary vocabulary)
{
    private const double VideosPerChannel = 13;
    private const double PremiumShare = 0.2;
    private const double MeanSeriesLength = 6.5;
    private const double ZipfExponent = 0.8;
    private const int OldestReleaseDay = -180;
    private const int RelatedCount = 6;

    private readonly RandomStream _random = new(options.Seed, StreamPurpose.World);
    private readonly List<Channel> _channels = [];
    private readonly List<Video> _videos = [];
    private readonly List<(int First, int Count, double PremiumScore)> _productions = [];

    /// <summary>Builds the world; call it once.</summary>
    public VideoWorld Build()
    {
        var titles = new TitleWriter(vocabulary, _random);
        AddChannels(titles);
        var sizes = _channels.Select(c => c.Size).ToArray();
        for (var n = 0; _videos.Count < options.Videos; n++)
            AddProduction(n < _channels.Count ? n : _random.NextIndex(sizes), titles);
        MarkPremium();
        SpreadFame();
        return new VideoWorld(vocabulary.Categories, [.. _channels], [.. _videos], Relate());
    }

    private void AddChannels(TitleWriter titles)
    {
        var categories = vocabulary.Categories;
        var weights = categories.Select(c => c.Weight).ToArray();
        var count = Math.Max(categories.Count, (int)Math.Round(options.Videos / VideosPerChannel));
        for (var n = 0; n < count; n++)
        {
            var category = n < categories.Count ? n : _random.NextIndex(weights);
            _channels.Add(new Channel(
                titles.Channel(categories[category]),
                category,
                n < categories.Count ? Market.English : _random.NextIndex(Market.LanguageWeights),
                0.5 * _random.NextNormal(),
                Math.Exp(0.6 * _random.NextNormal())));
        }
    }

    // A series counts as one draw but has several episodes, so it must be drawn more rarely than its share of the videos.
    private void AddProduction(int channel, TitleWriter titles)
    {
        var category = vocabulary.Categories[_channels[channel].Category];
        var seriesDraws = category.SeriesShare / (category.SeriesShare + ((1 - category.SeriesShare) * MeanSeriesLength));
        var room = options.Videos - _videos.Count;
        var parts = _random.NextBool(seriesDraws) && room >= 3 ? Math.Min(room, 3 + _random.NextInt(8)) : 1;
        var cadence = parts == 1 ? 0 : _random.NextOf([1, 2, 7]);
        var latestStart = Math.Max(OldestReleaseDay + 1, options.Days - 1 - (cadence * (parts - 1)));
        var start = OldestReleaseDay + _random.NextInt(latestStart - OldestReleaseDay);
        var series = parts == 1 ? "" : titles.Series(category);
        var quality = _channels[channel].Quality + (0.5 * _random.NextNormal());
        var minutes = category.Minutes * Math.Exp(0.3 * _random.NextNormal());
        _productions.Add((_videos.Count, parts, _random.NextNormal() + (category.Minutes > 20 ? 0.7 : 0) + (0.5 * quality)));
        for (var part = 1; part <= parts; part++)
        {
            _videos.Add(new Video
            {
                Title = parts == 1 ? titles.Single(category) : titles.Episode(category, series, part),
                Category = _channels[channel].Category,
                Channel = channel,
                Language = _channels[channel].Language,
                DurationSeconds = (int)Math.Round(60 * minutes * Math.Exp(0.12 * _random.NextNormal())),
                ReleaseDay = start + (cadence * (part - 1)),
                Series = series,
                NextEpisode = part < parts ? _videos.Count + 1 : Video.None,
                Quality = quality + (0.3 * _random.NextNormal()),
            });
        }
    }

    // The productions with the highest scores, until a fifth of the videos is premium: a series is premium as a whole.
    private void MarkPremium()
    {
        var marked = 0;
        foreach (var (first, count, _) in _productions.OrderByDescending(p => p.PremiumScore))
        {
            if (marked + count > PremiumShare * _videos.Count)
                continue;
            marked += count;
            for (var i = first; i < first + count; i++)
                _videos[i] = _videos[i] with { Premium = true };
        }
    }

    private void SpreadFame()
    {
        var renown = new double[_videos.Count];
        foreach (var (first, count, _) in _productions)
        {
            var shared = _random.NextNormal();
            for (var i = first; i < first + count; i++)
                renown[i] = (0.8 * _videos[i].Quality) + shared + (0.5 * _random.NextNormal());
        }

        var order = Enumerable.Range(0, _videos.Count).OrderByDescending(i => renown[i]).ToArray();
        var mean = order.Select((_, rank) => Math.Log(rank + 1)).Average();
        for (var rank = 0; rank < order.Length; rank++)
            _videos[order[rank]] = _videos[order[rank]] with { Fame = -ZipfExponent * (Math.Log(rank + 1) - mean) };
    }

    // Four of five from the video's own shelf, the others from a related category in the same language.
    private int[][] Relate()
    {
        var world = new VideoWorld(vocabulary.Categories, [.. _channels], [.. _videos], []);
        return [.. _videos.Select((video, i) =>
        {
            var related = new HashSet<int>();
            for (var n = 0; n < RelatedCount; n++)
            {
                var category = _random.NextBool(0.8) ? video.Category : _random.NextOf(world.RelatedCategories[video.Category]);
                var shelf = world.Shelf(VideoWorld.ShelfOf(category, video.Language));
                if (shelf.Length == 0)
                    continue;
                var pick = shelf[_random.NextIndex(shelf.Select(j => Math.Exp(0.4 * _videos[j].Fame)).ToArray())];
                if (pick != i && (video.Series.Length == 0 || _videos[pick].Series != video.Series))
                    related.Add(pick);
            }

            return related.ToArray();
        })];
    }
}
