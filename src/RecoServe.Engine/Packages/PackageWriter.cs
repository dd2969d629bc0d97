using System.Globalization;

namespace RecoServe.Engine.Packages;

/// <summary>Publishes a model package so that a reader sees either nothing or all of it.</summary>
public static class PackageWriter
{
    private const string Incoming = ".incoming-";

    /// <summary>What nobody has written to for so long was left by a publisher that was killed.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(1);

    /// <summary>
    /// Writes the next version of a model: the files into a hidden directory beside it, then the manifest with their
    /// checksums, then — once <paramref name="verify"/> has not thrown — one atomic rename.
    /// </summary>
    /// <param name="repository">The repository's root; made if absent.</param>
    /// <param name="draft">The manifest but for <c>Version</c> and <c>Files</c>, which are set here.</param>
    /// <param name="version">The version to publish; null: one more than the highest there.</param>
    /// <param name="writeFiles">Writes every file of <see cref="PackageFiles.Content"/> into the directory it is given.</param>
    /// <param name="verify">Examines the opened package; throws to refuse it.</param>
    /// <returns>The published package's directory.</returns>
    /// <exception cref="PackageException">The name is not one a model can have, the version exists, or a file is missing.</exception>
    public static string Publish(
        string repository, ModelManifest draft, long? version, Action<string> writeFiles, Action<ModelPackage> verify)
    {
        if (!ModelName.IsValid(draft.Name))
            throw new PackageException(repository, $"cannot hold a model \"{draft.Name}\": a name is {ModelName.Rule}");
        var model = Directory.CreateDirectory(Path.Combine(repository, draft.Name)).FullName;
        Sweep(model);
        var number = version ?? Versions(model).DefaultIfEmpty(0).Max() + 1;
        var target = Path.Combine(model, number.ToString(CultureInfo.InvariantCulture));
        if (Path.Exists(target))
            throw AlreadyThere(target);
        // Processes in containers often have one number.
        var staging = Directory.CreateDirectory(Path.Combine(model, $"{Incoming}{number}-{Guid.NewGuid():N}")).FullName;
        try
        {
            writeFiles(staging);
            WriteManifest(staging, draft with { Version = number });
            verify(ModelPackage.Open(staging));
            Directory.Move(staging, target);
            return target;
        }
        catch (Exception e)
        {
            Directory.Delete(staging, recursive: true);
            if (e is IOException && Path.Exists(target)) // another publisher was faster
                throw AlreadyThere(target);
            throw;
        }
    }

    /// <summary>
    /// The version numbers in a model's directory: names that are whole numbers above 0 without leading zeros. Everything
    /// else there is ignored.
    /// </summary>
    public static IEnumerable<long> Versions(string modelDirectory)
    {
        foreach (var directory in Directory.EnumerateDirectories(modelDirectory))
        {
            if (VersionOf(Path.GetFileName(directory)) is { } version)
                yield return version;
        }
    }

    /// <summary>The version number that a directory's name is; null if it is none.</summary>
    internal static long? VersionOf(string name) =>
        name is [>= '1' and <= '9', ..] && long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null;

    /// <summary>Removes what publishers left that were killed.</summary>
    private static void Sweep(string model)
    {
        foreach (var old in Directory.GetDirectories(model, Incoming + "*"))
        {
            if (Directory.GetLastWriteTimeUtc(old) < TimeProvider.System.GetUtcNow() - Abandoned)
                Directory.Delete(old, recursive: true);
        }
    }

    private static void WriteManifest(string staging, ModelManifest manifest)
    {
        var files = new SortedDictionary<string, FileChecksum>(StringComparer.Ordinal);
        foreach (var file in PackageFiles.Content.Append(PackageFiles.Training))
        {
            var path = Path.Combine(staging, file);
            if (!File.Exists(path) && file == PackageFiles.Training)
                continue;
            if (!File.Exists(path))
                throw new PackageException(path, "was not written");
            FlushToDisk(path);
            files.Add(file, ModelPackage.Checksum(path));
        }

        var target = Path.Combine(staging, PackageFiles.Manifest);
        File.WriteAllText(target, (manifest with { Files = files }).ToJson());
        FlushToDisk(target);
    }

    private static PackageException AlreadyThere(string target) => new(target, "exists: versions are never overwritten");

    private static void FlushToDisk(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }
}
