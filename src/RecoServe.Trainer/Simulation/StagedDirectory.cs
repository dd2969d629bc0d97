using RecoServe.Trainer.Data;

namespace RecoServe.Trainer.Simulation;

/// <summary>
/// A directory that gets all its files at the end or none: each is written under a hidden name and renamed by
/// <see cref="Publish"/>; disposal removes what was not published.
/// </summary>
internal sealed class StagedDirectory : IDisposable
{
    private const string Suffix = ".partial";

    private readonly string _path;
    private readonly bool _created;
    private readonly List<string> _files = [];

    /// <summary>Opens a directory, creating it where there is none.</summary>
    /// <exception cref="DataException">It is a file, or holds files and <paramref name="force"/> is not set.</exception>
    public StagedDirectory(string path, bool force)
    {
        _path = Path.GetFullPath(path);
        if (File.Exists(_path))
            throw new DataException($"{_path} is a file; give a directory");
        _created = !Directory.Exists(_path);
        Directory.CreateDirectory(_path);
        foreach (var abandoned in Directory.EnumerateFiles(_path, $".*{Suffix}").ToList())
            File.Delete(abandoned);
        if (!force && Directory.EnumerateFileSystemEntries(_path).Any())
            throw new DataException($"{_path} is not empty; give another directory, or --force to replace the log in it");
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
        File.Delete(Path.Combine(_path, _files[^1]));
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
