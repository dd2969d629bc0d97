using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Tests.Evaluation;

/// <summary>Small logs made in memory.</summary>
internal static class Logs
{
    /// <summary>Users "u0", "u1", … with these item indexes; items "1" … <paramref name="itemCount"/>.</summary>
    public static WatchLog Of(int itemCount, params int[][] histories)
    {
        var starts = new int[histories.Length + 1];
        for (var user = 0; user < histories.Length; user++)
            starts[user + 1] = starts[user] + histories[user].Length;
        var ids = Enumerable.Range(1, itemCount).Select(i => $"{i}").ToList();
        var items = histories.SelectMany(h => h).ToArray();
        // The context code of an event is 1 + its place in the log.
        var field = new ContextField("place", [.. Enumerable.Range(0, items.Length).Select(i => $"{i}")]);
        ushort[][] codes = [[.. Enumerable.Range(1, items.Length).Select(i => (ushort)i)]];
        return new WatchLog(
            Catalogue.Create(ids, new Dictionary<string, IReadOnlyList<string>>()),
            [.. histories.Select((_, user) => $"u{user}")], starts, items, [field], codes);
    }
}
