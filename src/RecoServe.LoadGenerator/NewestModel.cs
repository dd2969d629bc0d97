using System.Globalization;
using RecoServe.Engine.Packages;

namespace RecoServe.LoadGenerator;

/// <summary>Finds in a repository what a server of it will be asked.</summary>
internal static class NewestModel
{
    /// <summary>The newest version of a model.</summary>
    /// <param name="repository">The repository's directory.</param>
    /// <param name="name">The model's name; empty: the only one.</param>
    /// <exception cref="PackageException">There is no such model, or there are several and none is named.</exception>
    internal static ModelPackage Open(string repository, string name = "")
    {
        var models = Directory.Exists(repository) ? Directory.GetDirectories(repository).Where(d => PackageWriter.Versions(d).Any()).ToArray() : [];
        var chosen = models.Where(m => name.Length == 0 || Path.GetFileName(m) == name).ToArray();
        return chosen switch
        {
            [var only] => ModelPackage.Open(Path.Combine(only, PackageWriter.Versions(only).Max().ToString(CultureInfo.InvariantCulture))),
            [] => throw new PackageException(repository, name.Length == 0 ? "holds no models" : $"has no model \"{name}\""),
            _ => throw new PackageException(repository, $"holds several models: {string.Join(", ", models.Select(Path.GetFileName).Order(StringComparer.Ordinal))}; one must be named (--model), or be alone there"),
        };
    }
}
