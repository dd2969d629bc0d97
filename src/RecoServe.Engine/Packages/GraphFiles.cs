namespace RecoServe.Engine.Packages;

/// <summary>File names of a version that is a plain ONNX graph and not a package.</summary>
public static class GraphFiles
{
    /// <summary>The graph; its external data lies beside it.</summary>
    public const string Graph = "model.onnx";

    /// <summary>How it is batched, as <see cref="GraphConfig"/>; optional.</summary>
    public const string Config = "config.json";

    /// <summary>Whether a directory holds a plain graph: one that has no manifest.</summary>
    public static bool IsGraph(string directory) => !ModelPackage.IsComplete(directory) && File.Exists(Path.Combine(directory, Graph));

    /// <summary>Every file, by path.</summary>
    internal static IReadOnlyList<string> Of(string directory) => [.. Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal)];
}
