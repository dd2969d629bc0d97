using System.Globalization;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Training;

/// <summary>
/// Different real histories of a log, of every length, kept with a run so that its export can be checked without the log. As
/// text: a line each, item indexes and context codes, and as far as they are read the times and contexts of the watches, apart by tabs.
/// </summary>
internal static class HistorySample
{
    private const int Size = 1000;

    /// <summary>Enough to meet nearly all histories of a log that has fewer than <see cref="Size"/>.</summary>
    private const int Draws = 20 * Size;

    /// <summary>
    /// Draws histories: first an empty one, one item, and one longer than the model reads (a user's own, repeated if need
    /// be), these three with unknown context; then prefixes of random length of random users, with the context that followed,
    /// each once.
    /// </summary>
    public static IReadOnlyList<Question> Draw(WatchLog log, int maxHistory, int seed, bool withTimes = false, bool withContexts = false)
    {
        var random = new Random(HashSeed.Of(seed, -1));
        var longest = log.ItemsOf(Enumerable.Range(0, log.UserCount).MaxBy(u => log.ItemsOf(u).Length)).ToArray();
        var repeats = Enumerable.Repeat(longest, 1 + ((maxHistory + 9) / longest.Length)).SelectMany(l => l).ToArray();
        var unknown = new ushort[log.ContextFields.Count];
        var sample = new List<Question> { new(-1, default, unknown), new(-1, longest.AsMemory(0, 1), unknown), new(-1, repeats, unknown) };
        var lines = sample.Select(LineOf).ToHashSet();
        for (var draw = 0; draw < Draws && sample.Count < Size; draw++)
        {
            var user = random.Next(log.UserCount);
            var items = log.ItemsOf(user);
            var cut = random.Next(items.Length);
            var context = Enumerable.Range(0, log.ContextFields.Count).Select(f => log.ContextOf(user, f).Span[cut]).ToArray();
            var question = new Question(user, items[..cut], context, withTimes ? log.TimesOf(user)[..cut] : default, withContexts ? log.HistoryContextOf(user, cut) : null);
            if (lines.Add(LineOf(question)))
                sample.Add(question);
        }

        return sample;
    }

    /// <summary>Writes a sample.</summary>
    public static void Write(string path, IReadOnlyList<Question> sample)
    {
        using var writer = new StreamWriter(path) { NewLine = "\n" };
        foreach (var question in sample)
            writer.WriteLine(LineOf(question));
    }

    /// <summary>Reads a sample; its questions know no users.</summary>
    /// <exception cref="PackageException">Names the file and the line.</exception>
    public static IReadOnlyList<Question> Read(string path)
    {
        var sample = new List<Question>();
        foreach (var line in File.ReadLines(path))
        {
            try
            {
                var fields = line.Split('\t');
                sample.Add(new Question(
                    -1, Numbers(fields[0], int.Parse), Numbers(fields[1], ushort.Parse), fields.Length > 2 ? Numbers(fields[2], long.Parse) : default,
                    fields.Length > 3 ? [.. fields[3..].Select(codes => (ReadOnlyMemory<ushort>)Numbers(codes, ushort.Parse))] : null));
            }
            catch (Exception e) when (e is FormatException or OverflowException or IndexOutOfRangeException)
            {
                throw new PackageException(path, $"line {sample.Count + 1} is not item indexes, a tab and context codes", e);
            }
        }

        return sample;
    }

    private static string LineOf(Question question)
    {
        List<string> fields = [TextOf(question.History), TextOf(question.Context)];
        if (!question.Times.IsEmpty || question.HistoryContext is not null)
            fields.Add(TextOf(question.Times));
        fields.AddRange((question.HistoryContext ?? []).Select(TextOf));
        return string.Join('\t', fields);
    }

    private static string TextOf<T>(ReadOnlyMemory<T> numbers) => string.Join(' ', numbers.ToArray());

    private static T[] Numbers<T>(string text, Func<string, IFormatProvider, T> parse) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(n => parse(n, CultureInfo.InvariantCulture))];
}
