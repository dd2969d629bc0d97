using System.Globalization;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Training;

/// <summary>How much there is in a split, by the keys of <see cref="RunSettings.Data"/>: another log or another split rarely has as much of everything.</summary>
internal static class SplitCounts
{
    /// <summary>What a run keeps of its split.</summary>
    public static IReadOnlyDictionary<string, string> Of(EvaluationSplit split)
    {
        (string Key, long Count)[] counts =
        [
            ("users", split.Log.UserCount),
            ("items", split.Log.Catalogue.Count),
            ("events", split.Log.EventCount),
            ("training_events", split.CountTrainingItems().Sum(count => (long)count)),
            ("validation_questions", split.HeldOutOf(SplitPart.Validation).Count),
            ("test_questions", split.HeldOutOf(SplitPart.Test).Count),
        ];
        return counts.ToDictionary(c => c.Key, c => c.Count.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>What a split has more or less of than a run had, in words; null if nothing.</summary>
    /// <param name="stored">The run's <see cref="RunSettings.Data"/>; runs of earlier builds may lack counts, which are not compared.</param>
    /// <param name="split">The split at hand.</param>
    public static string? DifferenceTo(IReadOnlyDictionary<string, string> stored, EvaluationSplit split)
    {
        var differences = Of(split)
            .Where(now => stored.GetValueOrDefault(now.Key, now.Value) != now.Value)
            .Select(now => $"{stored[now.Key]} {now.Key.Replace('_', ' ')}, not {now.Value}")
            .ToList();
        return differences.Count == 0 ? null : string.Join("; ", differences);
    }
}
