using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Simulation;

/// <summary>
/// A directory that gets all its files at the end or none: each is written under a hidden name and renamed by
/// <see cref="Publish"/>, which removes those of its names that are not among them; disposal removes what was not published.
/// </summary>
internal sealed class StagedDirectory : IDisposable
{
    private const string Suffix = ".partial";

    private readonly string _path;
    private readonly IReadOnlyList<string> _names;
    private readonly bool _created;
    private readonly List<string> _files = [];

    /// <summary>Opens a directory, creating it where there is none.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="names">All that may ever be staged: other files are left alone.</param>
    /// <param name="force">Whether it may hold files.</param>
    /// <exception cref="DataException">It is a file, or holds files and <paramref name="force"/> is not set.</exception>
    public StagedDirectory(string path, IReadOnlyList<string> names, bool force)
    {
        (_path, _names) = (Path.GetFullPath(path), names);
        if (File.Exists(_path))
            throw new DataException($"{_path} is a file; give a directory");
        _created = !Directory.Exists(_path);
        Directory.CreateDirectory(_path);
        string[] abandoned = [.. names.Select(StagedPath)];
        if (!force && Directory.EnumerateFileSystemEntries(_path).Except(abandoned).Any())
            throw new DataException($"{_path} is not empty; give another directory, or --force to replace the log in it");
        Array.ForEach(abandoned, File.Delete);
    }

    /// <summary>Where to write a file until it is published.</summary>
    public string Stage(string file)
    {
        _files.Add(file);
        return StagedPath(file);
    }

    /// <summary>Renames the staged files in the order they were staged. The last one's arrival says that all are there.</summary>
    public void Publish()
    {
        foreach (var old in _names.Except(_files).Prepend(_files[^1])) // from here on no log is there until the last has come
            File.Delete(Path.Combine(_path, old));
        foreach (var file in _files)
            File.Move(StagedPath(file), Path.Combine(_path, file), overwrite: true);
        _files.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
            File.Delete(StagedPath(file));
        if (_created && !Directory.EnumerateFileSystemEntries(_path).Any())
            Directory.Delete(_path);
    }

    private string StagedPath(string file) => Path.Combine(_path, $".{file}{Suffix}");
}
