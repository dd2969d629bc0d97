namespace RecoServe.Engine.Registry;

/// <summary>There is no such model, version or label, or it does not serve and is not about to.</summary>
/// <param name="message">What was asked for and what there is.</param>
public sealed class ModelNotFoundException(string message) : Exception(message);

/// <summary>The model is known but is still being loaded: try again soon.</summary>
/// <param name="message">What was asked for and its state.</param>
public sealed class ModelUnavailableException(string message) : Exception(message);

/// <summary>A version or a label is not in the state that was asked for: a label can only point at a version that serves, and holds it.</summary>
/// <param name="message">What was asked for, what is, and what would help.</param>
public sealed class ModelStateException(string message) : Exception(message);

/// <summary>A version was refused because it would not fit into memory.</summary>
/// <param name="version">The version, as <c>name/number</c>.</param>
/// <param name="needed">Bytes that it is expected to take.</param>
/// <param name="used">Bytes that the loaded versions hold.</param>
/// <param name="limit">Bytes that all may hold.</param>
public sealed class ModelMemoryException(string version, long needed, long used, long limit) : Exception(
    $"model {version} needs about {Mebibytes(needed)}; of Registry:MemoryLimit = {Mebibytes(limit)} the loaded versions hold {Mebibytes(used)}: "
    + "unload one, or raise the limit")
{
    /// <summary>Bytes that it is expected to take.</summary>
    public long Needed => needed;

    private static string Mebibytes(long bytes) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F1} MiB");
}
