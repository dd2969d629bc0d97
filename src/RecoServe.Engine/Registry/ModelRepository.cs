using System.Globalization;
using Microsoft.Extensions.Logging;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>The directory that holds model packages: <c>&lt;name&gt;/&lt;version&gt;/</c>. Everything else in it is ignored.</summary>
internal sealed class ModelRepository(string root, ILogger log)
{
    /// <summary>The newest complete version of every model.</summary>
    /// <exception cref="AggregateException">The directory is missing, holds no model, or a model has no complete version.</exception>
    internal IReadOnlyList<(string Name, long Version)> NewestVersions()
    {
        if (!Directory.Exists(root))
            throw Unusable(Path.GetFullPath(root), "is missing: it must hold models as <name>/<version>/manifest.json");
        var newest = new List<(string, long)>();
        foreach (var model in Directory.EnumerateDirectories(root).Order(StringComparer.Ordinal))
        {
            var versions = PackageWriter.Versions(model).OrderDescending().ToArray();
            if (versions.Length == 0 || !ModelName.IsValid(Path.GetFileName(model)))
                continue;
            var complete = versions.SkipWhile(v => !IsComplete(PathOf(model, v))).Take(1).ToArray();
            if (complete.Length == 0)
                throw Unusable(Path.Combine(PathOf(model, versions[0]), PackageFiles.Manifest), "is missing, and no other version of the model is complete");
            newest.Add((Path.GetFileName(model), complete[0]));
        }

        return newest.Count > 0 ? newest : throw Unusable(Path.GetFullPath(root), "holds no model: expected <name>/<version>/manifest.json");
    }

    /// <summary>The directory of a version.</summary>
    /// <exception cref="ModelNotFoundException">The repository does not have it, or the name is not one a model can have.</exception>
    internal string Find(string name, long version)
    {
        var directory = ModelName.IsValid(name) && version > 0 ? PathOf(Path.Combine(root, name), version) : null;
        if (directory is null || !ModelPackage.IsComplete(directory))
            throw new ModelNotFoundException($"the repository has no complete version {version} of model \"{name}\"");
        return directory;
    }

    private static AggregateException Unusable(string path, string problem) => new(new PackageException(path, problem));

    private static string PathOf(string model, long version) => Path.Combine(model, version.ToString(CultureInfo.InvariantCulture));

    private bool IsComplete(string directory)
    {
        var complete = ModelPackage.IsComplete(directory);
        if (!complete)
            EngineLog.IncompleteVersion(log, directory);
        return complete;
    }
}
