namespace RecoServe.Engine.Packages;

/// <summary>A model package that cannot be read or written; the message begins with the path of the file at fault.</summary>
/// <param name="path">The file or directory at fault.</param>
/// <param name="problem">What is wrong, as the rest of a sentence that begins with the path.</param>
/// <param name="inner">The cause, if another exception told.</param>
public sealed class PackageException(string path, string problem, Exception? inner = null) : Exception($"{path} {problem}", inner)
{
    /// <summary>The file or directory at fault.</summary>
    public string Path { get; } = path;
}
