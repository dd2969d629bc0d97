using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Tests;

/// <summary>Small logs whose next item is known.</summary>
internal static class TinyLogs
{
    /// <summary>Item i is followed by i + 1, the last by the first.</summary>
    public static WatchLog Cycle(int users = 64, int items = 30, int length = 20) => Build(
        items, Enumerable.Range(0, users).Select(u => Enumerable.Range(0, length).Select(t => ((u + t) % items) + 1).ToArray()).ToArray(), []);

    /// <summary>Two context fields; the first decides whether item i is followed by i + 1 or by i + 2, the second says nothing.</summary>
    public static WatchLog Contextual(int users = 128, int items = 12, int length = 20)
    {
        var random = new Random(5);
        var (histories, steps, noise) = (new int[users][], new ushort[users * length], new ushort[users * length]);
        for (var u = 0; u < users; u++)
        {
            histories[u] = new int[length];
            var item = random.Next(items);
            for (var t = 0; t < length; t++)
            {
                steps[(u * length) + t] = (ushort)random.Next(1, 3);
                noise[(u * length) + t] = (ushort)random.Next(0, 4);
                item = (item + steps[(u * length) + t]) % items;
                histories[u][t] = item + 1;
            }
        }

        return Build(items, histories, [("device", ["tv", "phone"], steps), ("country", ["FR", "DE", "UA"], noise)]);
    }

    /// <summary>After a watch that came within seconds item i is followed by i + 1, after one that came a day later by i + 2.</summary>
    public static WatchLog Timed(int users = 128, int items = 12, int length = 20)
    {
        var random = new Random(7);
        var (histories, times) = (new int[users][], new long[users * length]);
        for (var u = 0; u < users; u++)
        {
            histories[u] = new int[length];
            var (item, time, step) = (random.Next(items), 1_700_000_000_000L, 1);
            for (var t = 0; t < length; t++)
            {
                histories[u][t] = item + 1;
                times[(u * length) + t] = time += step == 1 ? random.Next(1_000, 4_000) : 86_400_000;
                item = (item + (t == 0 ? 1 : step)) % items;
                step = random.Next(1, 3);
            }
        }

        return Build(items, histories, [], times);
    }

    /// <summary>The device of a watch decides whether item i is followed by i + 1 or by i + 2; that of the request says nothing.</summary>
    /// <param name="users">Number of users.</param>
    /// <param name="items">Number of items.</param>
    /// <param name="length">Watches of each user.</param>
    /// <param name="hasTimes">Whether watches have times, seconds to days apart.</param>
    public static WatchLog Watched(int users = 128, int items = 12, int length = 20, bool hasTimes = false)
    {
        var (random, pauses) = (new Random(9), new Random(10));
        var (histories, devices) = (new int[users][], new ushort[users * length]);
        long[] times = [.. Enumerable.Range(0, users).SelectMany(_ => Enumerable.Range(0, length).Select(_ => (long)Math.Pow(10, 3 + (6 * pauses.NextDouble()))))];
        for (var u = 0; u < users; u++)
        {
            histories[u] = new int[length];
            var (item, step) = (random.Next(items), 1);
            for (var t = 0; t < length; t++)
            {
                item = (item + step) % items;
                step = random.Next(1, 3);
                histories[u][t] = item + 1;
                devices[(u * length) + t] = (ushort)step;
            }
        }

        for (var e = 0; e < times.Length; e++)
            times[e] += e % length == 0 ? 1_700_000_000_000 : times[e - 1];
        return Build(items, histories, [("device", ["tv", "phone"], devices)], hasTimes ? times : null);
    }

    /// <summary>The same watches, each of them shown, and worth what is told of a user and the number of the watch.</summary>
    public static WatchLog WithFeedback(WatchLog log, Func<int, int, int> reward)
    {
        int[] lengths = [.. Enumerable.Range(0, log.UserCount).Select(user => log.ItemsOf(user).Length)];
        var starts = new long[log.UserCount + 1];
        for (var u = 0; u < log.UserCount; u++)
            starts[u + 1] = starts[u] + lengths[u];
        return log.With(new FeedbackLog(
            starts,
            [.. lengths.SelectMany(length => Enumerable.Range(0, length))],
            [.. lengths.SelectMany((_, user) => log.ItemsOf(user).ToArray())],
            [.. lengths.SelectMany((length, user) => Enumerable.Range(0, length).Select(watch => (float)reward(user, watch)))],
            null,
            null,
            [.. log.ContextFields.Select((_, f) => (Column<ushort>)[.. lengths.SelectMany((_, user) => log.ContextOf(user, f).ToArray())])]));
    }

    public static WatchLog Build(int items, int[][] histories, (string Key, string[] Values, ushort[] Codes)[] contexts, long[]? times = null)
    {
        var starts = new long[histories.Length + 1];
        for (var u = 0; u < histories.Length; u++)
            starts[u + 1] = starts[u] + histories[u].Length;
        var catalogue = Catalogue.Create(
            [.. Enumerable.Range(1, items).Select(i => $"video-{i}")],
            new Dictionary<string, IReadOnlyList<string>> { ["category"] = [.. Enumerable.Range(1, items).Select(i => i % 5 == 0 ? "" : $"third-{i % 3}|half-{i % 2}")] });
        return new WatchLog(
            catalogue,
            [.. histories.Select((_, u) => $"user-{u}")],
            starts,
            [.. histories.SelectMany(h => h)],
            [.. contexts.Select(c => new ContextField(c.Key, c.Values))],
            [.. contexts.Select(c => (Column<ushort>)[.. c.Codes])],
            times is null ? null : [.. times]);
    }

    /// <summary>All but the last event of every user.</summary>
    public static int[] AllButLast(WatchLog log) => [.. Enumerable.Range(0, log.UserCount).Select(u => log.ItemsOf(u).Length - 1)];

    /// <summary>Share of users whose last item has the highest score, in both numbers.</summary>
    public static ValidationScore LastItem(WatchLog log, IItemScorer scorer, bool withContext = true)
    {
        var hits = 0;
        var scores = new double[log.Catalogue.Count + 1];
        for (var u = 0; u < log.UserCount; u++)
        {
            var question = LastQuestion(log, u);
            scorer.Score([withContext ? question : question with { Context = new ushort[log.ContextFields.Count], Times = default, HistoryContext = null }], scores);
            hits += Array.IndexOf(scores, scores[1..].Max(), 1) == log.ItemsOf(u).Span[^1] ? 1 : 0;
        }

        return new ValidationScore((double)hits / log.UserCount, (double)hits / log.UserCount);
    }

    public static Question LastQuestion(WatchLog log, int user) => new(
        user,
        log.ItemsOf(user)[..^1],
        Enumerable.Range(0, log.ContextFields.Count).Select(f => log.ContextOf(user, f).Span[^1]).ToArray(),
        log.HasTimes ? log.TimesOf(user)[..^1] : default,
        log.HistoryContextOf(user, log.ItemsOf(user).Length - 1));
}
