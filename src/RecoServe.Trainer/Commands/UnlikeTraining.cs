using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Commands;

/// <summary>Why a package's numbers are not those at the end of its training.</summary>
internal static class UnlikeTraining
{
    /// <summary>A line for the user each.</summary>
    /// <param name="package">The package.</param>
    /// <param name="name">What the lines call it.</param>
    /// <param name="data">What was read.</param>
    /// <param name="asked">What is asked.</param>
    /// <param name="ranking">How answers are ranked; null if they are not.</param>
    public static IEnumerable<string> Warnings(PackageScorer package, string name, DataOptions data, EvaluationSplit asked, RankingOptions? ranking)
    {
        string? Trained(string key) => package.Settings.GetValueOrDefault($"data/{key}");
        if (Trained(RunSettings.LogKey) == data.FileNames && Trained(RunSettings.SplitKey) is { } split && split != asked.Name)
            yield return $"recotrain: {name} was trained on {data.FileNames} with the split {split}, and may have learned what {asked.Name} asks for";
        foreach (var unknown in package.Unknown(asked.Log))
            yield return $"recotrain: {name} {unknown}";
        if (ranking is not null && Trained(RunSettings.RankingKey) is { } protocol && protocol != ranking.Protocol)
            yield return $"recotrain: {name} was validated with {protocol}; here it is {ranking.Protocol}";
    }
}
