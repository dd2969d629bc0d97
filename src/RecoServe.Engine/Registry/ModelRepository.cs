using System.Globalization;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>The directory that holds model packages and plain graphs: <c>&lt;name&gt;/&lt;version&gt;/</c>. Everything else in it is ignored.</summary>
internal sealed class ModelRepository(string root, ILogger log) : IModelRepository
{
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    public string Root => Path.GetFullPath(root);

    public string TrafficRoot => root;

    public Task<IReadOnlyList<RepositoryModel>> ModelsAsync(CancellationToken cancellationToken) => Task.FromResult(Models());

    public Task<VersionFiles> FetchAsync(string name, long version, bool fresh, CancellationToken cancellationToken) =>
        Task.FromResult(new VersionFiles(Find(name, version), FingerprintOf(name, version)));

    public void Require(string name, long version) => Find(name, version);

    public string FingerprintOf(string name, long version) => PackageFingerprint.OfFiles(PathOf(name, version));

    public Task<string> MarkOfAsync(string file, CancellationToken cancellationToken) => Task.FromResult(PackageFingerprint.OfFile(Path.Combine(root, file)));

    /// <summary>What is in the directory is not the server's.</summary>
    public void Trim(Func<string, long, bool> isNeeded)
    {
    }

    public void Dispose()
    {
    }

    /// <summary>Every model that has at least one version, complete or not, by name.</summary>
    /// <exception cref="PackageException">The directory is missing or cannot be read.</exception>
    internal IReadOnlyList<RepositoryModel> Models()
    {
        if (!Directory.Exists(root))
            throw new PackageException(Path.GetFullPath(root), "is missing: it must hold models as <name>/<version>/manifest.json");
        try
        {
            var names = Directory.EnumerateDirectories(root).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal).ToLookup(ModelName.IsValid);
            foreach (var name in names[false].Where(name => PackageWriter.Versions(Path.Combine(root, name)).Any()))
                TellOnce(Path.Combine(root, name), directory => EngineLog.NameIgnored(log, directory, ModelName.Rule));
            return [.. names[true].Select(Read).Where(m => m.Complete.Count + m.Incomplete.Count > 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PackageException(Path.GetFullPath(root), $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The directory of a version.</summary>
    /// <exception cref="ModelNotFoundException">The repository does not have it, or the name is not one a model can have.</exception>
    internal string Find(string name, long version)
    {
        var directory = ModelName.IsValid(name) && version > 0 ? PathOf(name, version) : null;
        if (directory is null || !IsComplete(directory))
            throw new ModelNotFoundException($"the repository has no complete version {version} of model \"{name}\"");
        return directory;
    }

    public bool HasPackage(RepositoryModel model) => model.Complete.Any(v => ModelPackage.IsComplete(PathOf(model.Name, v)));

    /// <summary>Where a version's directory is, or would be.</summary>
    public string PathOf(string name, long version) => Path.Combine(root, name, version.ToString(CultureInfo.InvariantCulture));

    private static bool IsComplete(string directory) => ModelPackage.IsComplete(directory) || GraphFiles.IsGraph(directory);

    private RepositoryModel Read(string name)
    {
        var versions = PackageWriter.Versions(Path.Combine(root, name)).OrderDescending().ToLookup(v => IsComplete(PathOf(name, v)));
        foreach (var version in versions[false])
            TellOnce(PathOf(name, version), directory => EngineLog.IncompleteVersion(log, directory));
        return new RepositoryModel(name, [.. versions[true]], [.. versions[false]]);
    }

    private void TellOnce(string directory, Action<string> tell)
    {
        lock (_told)
        {
            if (_told.Add(directory))
                tell(directory);
        }
    }
}
