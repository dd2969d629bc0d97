using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;
using RecoServe.Trainer.Training;

namespace RecoServe.Trainer.Commands;

/// <summary>Whether a package may have learned what it is asked.</summary>
internal static class TrainedSplit
{
    /// <summary>A line for the user if a package was trained on files of these names with another split; null otherwise.</summary>
    /// <param name="package">The package.</param>
    /// <param name="name">What the line calls it.</param>
    /// <param name="data">What was read.</param>
    /// <param name="asked">What is asked.</param>
    public static string? WarningOf(PackageScorer package, string name, DataOptions data, EvaluationSplit asked) =>
        package.Settings.GetValueOrDefault($"data/{RunSettings.LogKey}") == data.FileNames
        && package.Settings.TryGetValue($"data/{RunSettings.SplitKey}", out var split)
        && split != asked.Name
            ? $"recotrain: {name} was trained on {data.FileNames} with the split {split}, and may have learned what {asked.Name} asks for"
            : null;
}
