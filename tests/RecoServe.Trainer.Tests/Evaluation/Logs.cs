using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Evaluation;

/// <summary>Small logs made in memory.</summary>
internal static class Logs
{
    /// <summary>Users "u0", "u1", … with these item indexes; items "1" … <paramref name="itemCount"/>.</summary>
    public static WatchLog Of(int itemCount, params int[][] histories) => Of(itemCount, histories, null, null, null);

    /// <summary>The same with a time for every event, in days since 1970.</summary>
    public static WatchLog Timed(int itemCount, params (int Item, int Day)[][] histories) => Of(
        itemCount, [.. histories.Select(h => h.Select(e => e.Item).ToArray())], [.. histories.SelectMany(h => h.Select(e => e.Day * 86_400_000L))], null, null);

    /// <summary>The same with test data and attributes.</summary>
    public static WatchLog Of(
        int itemCount, int[][] histories, long[]? times, int[]? testEvents, Dictionary<string, IReadOnlyList<string>>? attributes)
    {
        var starts = new long[histories.Length + 1];
        for (var user = 0; user < histories.Length; user++)
            starts[user + 1] = starts[user] + histories[user].Length;
        var ids = Enumerable.Range(1, itemCount).Select(i => $"{i}").ToList();
        var items = histories.SelectMany(h => h).ToArray();
        // The context code of an event is 1 + its place in the log.
        var field = new ContextField("place", [.. Enumerable.Range(0, items.Length).Select(i => $"{i}")]);
        Column<ushort> codes = [.. Enumerable.Range(1, items.Length).Select(i => (ushort)i)];
        return new WatchLog(
            Catalogue.Create(ids, attributes ?? []),
            [.. histories.Select((_, user) => $"u{user}")], starts, [.. items], [field], [codes], times is null ? null : [.. times], testEvents);
    }
}
