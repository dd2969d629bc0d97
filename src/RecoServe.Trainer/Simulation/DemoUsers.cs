using System.Text.Json;

namespace RecoServe.Trainer.Simulation;

/// <summary>
/// Picks viewers for a demo while the log is written: 8…20 watches, and each with another category as the most watched one.
/// </summary>
internal sealed class DemoUsers(VideoWorld world)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "demo_users.json";

    private const int Wanted = 12;

    private readonly SortedDictionary<int, DemoUser> _byCategory = [];

    /// <summary>Takes the viewer if the log fits and no viewer with the same favourite category was taken.</summary>
    public void Offer(ViewerLog log)
    {
        if (_byCategory.Count == Wanted || log.Watches.Count is < 8 or > 20)
            return;
        var favourite = log.Watches.CountBy(w => world.Videos[w.Video].Category).MaxBy(c => c.Value);
        if (favourite.Value < 0.4 * log.Watches.Count || _byCategory.ContainsKey(favourite.Key))
            return;
        _byCategory.Add(favourite.Key, new DemoUser(
            SimulatedTables.UserId(log.Viewer.Index),
            SimulatedTables.NameOf(log.Watches[^1].Device),
            Market.All[log.Viewer.Country].Country,
            [.. log.Watches.Select(AsDemo)]));
    }

    /// <summary>The picked viewers as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize([.. _byCategory.Values], SimulationJson.Default.IReadOnlyListDemoUser) + "\n";

    private DemoWatch AsDemo(SimulatedWatch watch) => new(
        SimulatedTables.ItemId(watch.Video),
        world.Videos[watch.Video].Title,
        DateTimeOffset.FromUnixTimeSeconds(watch.Timestamp),
        Math.Round(watch.Fraction, 3));
}

/// <summary>A viewer of <c>demo_users.json</c>.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="Device">The device of the last watch.</param>
/// <param name="Country">The country's code.</param>
/// <param name="History">The watches, oldest first.</param>
internal sealed record DemoUser(string UserId, string Device, string Country, IReadOnlyList<DemoWatch> History);

/// <summary>A watch of a <see cref="DemoUser"/>.</summary>
/// <param name="ItemId">The item's id.</param>
/// <param name="Title">The item's title.</param>
/// <param name="WatchedAt">When it began.</param>
/// <param name="WatchFraction">Fraction watched, in (0, 1].</param>
internal sealed record DemoWatch(string ItemId, string Title, DateTimeOffset WatchedAt, double WatchFraction);
