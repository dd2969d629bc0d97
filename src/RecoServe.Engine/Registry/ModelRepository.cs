using System.Globalization;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>The directory that holds model packages and plain graphs: <c>&lt;name&gt;/&lt;version&gt;/</c>. Everything else in it is ignored.</summary>
internal sealed class ModelRepository(string root, ILogger log)
{
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>Every model that has at least one version, complete or not, by name.</summary>
    /// <exception cref="PackageException">The directory is missing or cannot be read.</exception>
    internal IReadOnlyList<RepositoryModel> Models()
    {
        if (!Directory.Exists(root))
            throw new PackageException(Path.GetFullPath(root), "is missing: it must hold models as <name>/<version>/manifest.json");
        try
        {
            return [.. Directory.EnumerateDirectories(root).Select(Path.GetFileName).OfType<string>()
                .Where(ModelName.IsValid).Order(StringComparer.Ordinal).Select(Read).Where(m => m.Complete.Count + m.Incomplete.Count > 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PackageException(Path.GetFullPath(root), $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>What a start needs: at least one model, and of every model a complete version.</summary>
    /// <exception cref="AggregateException">One <see cref="PackageException"/> for each thing that is missing.</exception>
    internal IReadOnlyList<RepositoryModel> ModelsAtStart()
    {
        try
        {
            var models = Models();
            if (models.Count == 0)
                throw new PackageException(Path.GetFullPath(root), "holds no model: expected <name>/<version>/manifest.json or model.onnx");
            if (models.FirstOrDefault(m => m.Complete.Count == 0) is { } empty)
            {
                throw new PackageException(
                    Path.Combine(PathOf(empty.Name, empty.Incomplete[0]), PackageFiles.Manifest), "is missing, and no other version of the model is complete");
            }

            return models;
        }
        catch (PackageException e)
        {
            throw new AggregateException(e);
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

    /// <summary>Whether a model has a version that is a package.</summary>
    internal bool HasPackage(RepositoryModel model) => model.Complete.Any(v => ModelPackage.IsComplete(PathOf(model.Name, v)));

    /// <summary>Where a version's directory is, or would be.</summary>
    internal string PathOf(string name, long version) => Path.Combine(root, name, version.ToString(CultureInfo.InvariantCulture));

    private static bool IsComplete(string directory) => ModelPackage.IsComplete(directory) || GraphFiles.IsGraph(directory);

    private RepositoryModel Read(string name)
    {
        var versions = PackageWriter.Versions(Path.Combine(root, name)).OrderDescending().ToLookup(v => IsComplete(PathOf(name, v)));
        foreach (var version in versions[false])
            TellOnce(PathOf(name, version));
        return new RepositoryModel(name, [.. versions[true]], [.. versions[false]]);
    }

    private void TellOnce(string directory)
    {
        lock (_told)
        {
            if (_told.Add(directory))
                EngineLog.IncompleteVersion(log, directory);
        }
    }
}
