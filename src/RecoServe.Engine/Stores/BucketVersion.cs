using System.Collections.Immutable;
using System.Globalization;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Stores;

/// <summary>The objects of one version, by file name. Names that a package cannot have are not among them.</summary>
internal sealed record BucketVersion(string Name, long Version, ImmutableSortedDictionary<string, BucketObject> Files)
{
    /// <summary>Whether it is a package: the manifest is written last.</summary>
    internal bool IsPackage => Files.ContainsKey(PackageFiles.Manifest);

    /// <summary>Whether it is a package or a plain graph, which has no mark that it is complete.</summary>
    internal bool IsComplete => IsPackage || Files.ContainsKey(GraphFiles.Graph);

    /// <summary>Name, size and ETag of every object: another one if an object was written since. <see cref="Parse"/> reads it again.</summary>
    internal string Fingerprint { get; } = string.Concat(
        Files.Select(f => string.Create(CultureInfo.InvariantCulture, $"{f.Key}\t{f.Value.Bytes}\t{f.Value.ETag}\n")));

    /// <summary>Reads a fingerprint; of a line that is none, nothing.</summary>
    internal static BucketVersion Parse(string name, long version, string prefix, string fingerprint)
    {
        var files = ImmutableSortedDictionary.CreateBuilder<string, BucketObject>(StringComparer.Ordinal);
        foreach (var line in fingerprint.Split('\n'))
        {
            if (line.Split('\t') is [var file, var bytes, var etag] && long.TryParse(bytes, NumberStyles.None, CultureInfo.InvariantCulture, out var size))
                files[file] = new BucketObject($"{prefix}{name}/{version}/{file}", size, etag);
        }

        return new BucketVersion(name, version, files.ToImmutable());
    }
}
