using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>
/// The directory in which versions from a bucket are used: <c>&lt;name&gt;/&lt;version&gt;/</c>, as in a repository. Each is moved there whole,
/// with the fingerprint of its objects in <c>.source</c>; whoever is killed meanwhile leaves a staging directory, which the next fetch
/// of the same objects goes on with.
/// </summary>
/// <param name="root">Made if absent.</param>
internal sealed class VersionCache(string root) : IDisposable
{
    private const string Source = ".source";
    private const string Incoming = ".incoming-";
    private const string Outgoing = ".outgoing-";

    private readonly Lock _opening = new();
    private FileStream? _lock;

    internal string Root => root;

    /// <summary>Makes it this process's alone; the lock ends with the process, however that ends.</summary>
    /// <exception cref="PackageException">Another process has it, or it cannot be written.</exception>
    internal void Open()
    {
        try
        {
            Directory.CreateDirectory(root);
            lock (_opening)
                _lock ??= new FileStream(Path.Combine(root, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PackageException(Path.GetFullPath(root), $"cannot be used, every server needs a Registry:Cache of its own: {e.Message}", e);
        }
    }

    public void Dispose() => _lock?.Dispose();

    internal string PathOf(string name, long version) => Path.Combine(root, name, version.ToString(CultureInfo.InvariantCulture));

    /// <summary>The fingerprint of the objects that a version was made of; empty if it is not here.</summary>
    internal string SourceOf(string name, long version)
    {
        var source = Path.Combine(PathOf(name, version), Source);
        return File.Exists(source) ? File.ReadAllText(source) : "";
    }

    /// <summary>What is here, as if it had been listed.</summary>
    /// <param name="prefix">The bucket's.</param>
    internal BucketListing List(string prefix) => new(
        from name in Models()
        from version in PackageWriter.Versions(Path.Combine(root, name))
        let source = SourceOf(name, version)
        where source.Length > 0
        select BucketVersion.Parse(name, version, prefix, source));

    /// <summary>Where the objects of a version are collected: for other objects another place.</summary>
    internal string StagingOf(BucketVersion version) => Path.Combine(
        root, version.Name, $"{Incoming}{version.Version}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(version.Fingerprint)).AsSpan(0, 8))}");

    /// <summary>Moves a collected version to its place.</summary>
    internal void Commit(BucketVersion version)
    {
        var (staging, target) = (StagingOf(version), PathOf(version.Name, version.Version));
        File.WriteAllText(Path.Combine(staging, Source), version.Fingerprint);
        var old = TakeOut(target);
        Directory.Move(staging, target);
        if (old is not null)
            Directory.Delete(old, recursive: true); // last: it takes its time, in which a process may end
    }

    /// <summary>Every version of which there is anything here, whole or left by a fetch.</summary>
    internal IReadOnlyList<(string Name, long Version)> Versions() =>
        [.. (from name in Models() from left in Directory.GetDirectories(Path.Combine(root, name)) where NumberOf(left) is not null select (name, NumberOf(left)!.Value)).Distinct()];

    /// <summary>Removes a version that is not needed, and what was left of fetches of it that cannot go on.</summary>
    /// <param name="name">The model.</param>
    /// <param name="version">The version.</param>
    /// <param name="isNeeded">Whether it is needed.</param>
    /// <param name="listed">What the bucket has of it; null: nothing.</param>
    internal void Trim(string name, long version, bool isNeeded, BucketVersion? listed)
    {
        if (!isNeeded)
            Remove(PathOf(name, version));
        var unfinished = listed is null ? null : StagingOf(listed);
        foreach (var left in Directory.GetDirectories(Path.Combine(root, name), ".*").Where(left => NumberOf(left) == version && left != unfinished))
            Directory.Delete(left, recursive: true);
    }

    /// <summary>The version of which a directory holds something; null if of none.</summary>
    private static long? NumberOf(string directory) => PackageWriter.VersionOf(Path.GetFileName(directory) switch
    {
        var name when name.StartsWith(Incoming, StringComparison.Ordinal) => name[Incoming.Length..].Split('-')[0],
        var name when name.StartsWith(Outgoing, StringComparison.Ordinal) => name[Outgoing.Length..],
        var name => name,
    });

    private IEnumerable<string> Models() =>
        Directory.Exists(root) ? Directory.GetDirectories(root).Select(d => Path.GetFileName(d)).Where(ModelName.IsValid) : [];

    /// <summary>Takes a version out at once, then deletes it: half of one must never stand in its place.</summary>
    private static void Remove(string directory)
    {
        if (TakeOut(directory) is { } outgoing)
            Directory.Delete(outgoing, recursive: true);
    }

    /// <summary>Where it is then; null if it is not here.</summary>
    private static string? TakeOut(string directory)
    {
        if (!Directory.Exists(directory))
            return null;
        var outgoing = Path.Combine(Path.GetDirectoryName(directory)!, Outgoing + Path.GetFileName(directory));
        if (Directory.Exists(outgoing))
            Directory.Delete(outgoing, recursive: true);
        Directory.Move(directory, outgoing);
        return outgoing;
    }
}
