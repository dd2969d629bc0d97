namespace RecoServe.Trainer.Simulation;

/// <summary>
/// A small video world with a known logging policy: viewers come in sessions, see slates or search for themselves, and watch.
/// docs/simulator.md has the model. Equal options give equal logs, whichever viewers are asked for and in whatever order.
/// </summary>
internal sealed class WatchSimulation
{
    /// <summary>Day 0, 0:00: Monday 2026-01-05. The clock of the log is the viewers' local time.</summary>
    public static readonly DateTimeOffset Epoch = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    private const int SecondsPerDay = 86_400;
    private const int LongestSession = 6 * 3600;
    private const int PauseBetweenSessions = 1800;

    // How many sessions begin in each six hours, and how often a second device is taken then.
    private static readonly double[] SessionHours = [.3, .8, 1, 2];
    private static readonly double[] SecondDevice = [.15, .4, .35, .2];

    private readonly SimulationOptions _options;
    private readonly OrganicSearch _search;
    private readonly ViewerChoice _choice;

    /// <summary>Builds the world of the options.</summary>
    public WatchSimulation(SimulationOptions options)
    {
        _options = options;
        World = VideoWorld.Create(options);
        Policy = new LoggingPolicy(World, options, PolicyParameters);
        _choice = new ViewerChoice(World, ViewerParameters);
        _search = new OrganicSearch(World, _choice, ViewerParameters);
    }

    /// <summary>The videos.</summary>
    public VideoWorld World { get; }

    /// <summary>The policy that fills the slates.</summary>
    public LoggingPolicy Policy { get; }

    /// <summary>The policy's settings.</summary>
    public PolicyParameters PolicyParameters { get; } = new();

    /// <summary>The viewers' settings.</summary>
    public ViewerParameters ViewerParameters { get; } = new();

    /// <summary>The logs of all viewers, by index.</summary>
    public IEnumerable<ViewerLog> Run() => Enumerable.Range(0, _options.Users).Select(Run);

    /// <summary>The log of one viewer.</summary>
    public ViewerLog Run(int viewerIndex)
    {
        var viewer = Viewer.Create(World, _options, viewerIndex);
        var random = new RandomStream(_options.Seed, StreamPurpose.Viewing, viewerIndex);
        var visit = new Visit(viewer, new ViewingState(), random, new ViewerLog(viewer, [], []));
        var free = 0L;
        foreach (var planned in SessionStarts(viewer, random))
        {
            var start = Math.Max(planned, free);
            if (start >= (long)_options.Days * SecondsPerDay)
                break;
            free = RunSession(visit, start) + PauseBetweenSessions;
        }

        return visit.Log;
    }

    private static int HourOf(long time) => (int)(time / 3600 % 24);

    private List<long> SessionStarts(Viewer viewer, RandomStream random) =>
    [
        .. Enumerable.Range(0, viewer.Sessions).Select(_ =>
        {
            var day = random.NextInt(_options.Days);
            var hours = random.NextIndex(SessionHours);
            return ((long)day * SecondsPerDay) + (hours * 6 * 3600) + random.NextInt(6 * 3600);
        }).Order(),
    ];

    // Times are seconds since the epoch; returns when the session ended.
    private long RunSession(Visit visit, long time)
    {
        var end = Math.Min(time + LongestSession, (long)_options.Days * SecondsPerDay);
        var device = DrawDevice(visit, HourOf(time));
        visit.State.Mood = DrawMood(visit, HourOf(time), device);
        for (var first = true; time < end && visit.State.Watched.Count < World.Videos.Count / 10; first = false)
        {
            var moment = new Moment((int)(time / SecondsPerDay), HourOf(time), device);
            var watch = visit.Random.NextBool(ViewerParameters.Organic)
                ? Search(visit, moment, time, first)
                : ShowSlate(visit, moment, time);
            if (watch is { } watched)
            {
                visit.Log.Watches.Add(watched);
                visit.State.Add(watched.Video, watched.Fraction, World);
                visit.State.Mood = NextMood(visit, watched.Video, moment);
            }

            time += (watch?.Seconds ?? 0) + 10 + visit.Random.NextInt(50);
            if (visit.Random.NextBool(ViewerParameters.Leave[watch is null ? 1 : 0]))
                break;
        }

        return time;
    }

    private SimulatedWatch? Search(Visit visit, Moment moment, long time, bool first)
    {
        var (video, source) = _search.Find(visit.Viewer, visit.State, moment, first, visit.Random);
        return video == Video.None ? null : Watch(visit, moment, time, video, source, slate: 0);
    }

    private SimulatedWatch? ShowSlate(Visit visit, Moment moment, long time)
    {
        var (videos, propensities) = Policy.Draw(visit.Viewer, visit.State, moment, visit.Random);
        var choice = visit.Random.NextIndex(_choice.SlateProbabilities(visit.Viewer, visit.State, moment, videos));
        var watched = choice == videos.Length ? -1 : choice;
        visit.Log.Slates.Add(new SimulatedSlate(Epoch.ToUnixTimeSeconds() + time, moment.Device, videos, propensities, watched));
        return watched < 0 ? null : Watch(visit, moment, time, videos[watched], WatchSource.Slate, visit.Log.Slates.Count);
    }

    // Liked and short videos are watched further: σ(utility / 2 − ln(minutes / 10) / 2 + noise), above 0.9 to the end.
    private SimulatedWatch Watch(Visit visit, Moment moment, long time, int index, WatchSource source, int slate)
    {
        var duration = World.Videos[index].DurationSeconds;
        var utility = _choice.Utility(visit.Viewer, visit.State, moment, index);
        var drive = (0.5 * utility) - (0.5 * Math.Log(duration / 600.0)) + (0.8 * visit.Random.NextNormal()) - 0.8;
        var share = 1 / (1 + Math.Exp(-drive));
        var seconds = share > 0.9 ? duration : Math.Max(1, (int)Math.Round(share * duration));
        return new SimulatedWatch(
            Epoch.ToUnixTimeSeconds() + time, index, moment.Device, (double)seconds / duration, seconds, source, slate);
    }

    private static Device DrawDevice(Visit visit, int hour)
    {
        var devices = visit.Viewer.Devices;
        return devices.Length == 2 && visit.Random.NextBool(SecondDevice[hour / 6]) ? devices[1] : devices[0];
    }

    private int DrawMood(Visit visit, int hour, Device device)
    {
        var weights = new double[World.Categories.Count];
        for (var c = 0; c < weights.Length; c++)
        {
            var category = World.Categories[c];
            weights[c] = Math.Exp(visit.Viewer.Taste[c] + category.DeviceFit[(int)device] + category.HourFit[hour / 6]);
        }

        return visit.Random.NextIndex(weights);
    }

    // A Markov chain over categories; a watch outside the mood takes the mood with it half of the time.
    private int NextMood(Visit visit, int watched, Moment moment)
    {
        var mood = visit.State.Mood;
        if (World.Videos[watched].Category != mood && visit.Random.NextBool(0.5))
            mood = World.Videos[watched].Category;
        var draw = visit.Random.NextDouble();
        if (draw < ViewerParameters.MoodDrift[0])
            return mood;
        return draw < ViewerParameters.MoodDrift[0] + ViewerParameters.MoodDrift[1]
            ? visit.Random.NextOf(World.RelatedCategories[mood])
            : DrawMood(visit, moment.Hour, moment.Device);
    }

    private sealed record Visit(Viewer Viewer, ViewingState State, RandomStream Random, ViewerLog Log);
}
