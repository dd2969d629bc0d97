using System.Collections.Immutable;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Stores;

/// <summary>What a bucket has below its prefix, by model and version. Keys come from whoever may write: only what could be a package is taken.</summary>
internal sealed class BucketListing
{
    private readonly SortedDictionary<(string Name, long Version), BucketVersion> _versions;

    internal BucketListing(IEnumerable<BucketVersion> versions) => _versions = new(versions.ToDictionary(v => (v.Name, v.Version)), Order);

    /// <summary>Sorts objects into versions.</summary>
    /// <param name="prefix">What every key begins with.</param>
    /// <param name="objects">All objects.</param>
    internal static BucketListing Of(string prefix, IEnumerable<BucketObject> objects)
    {
        var versions = new Dictionary<(string Name, long Version), ImmutableSortedDictionary<string, BucketObject>.Builder>();
        foreach (var found in objects)
        {
            if (found.Key[prefix.Length..].Split('/') is not [var name, var number, var file] || !ModelName.IsValid(name) || PackageWriter.VersionOf(number) is not { } version)
                continue;
            if (!versions.TryGetValue((name, version), out var files))
                versions[(name, version)] = files = ImmutableSortedDictionary.CreateBuilder<string, BucketObject>(StringComparer.Ordinal);
            if (ModelName.IsValid(file))
                files[file] = found;
        }

        return new BucketListing(versions.Select(v => new BucketVersion(v.Key.Name, v.Key.Version, v.Value.ToImmutable())));
    }

    /// <summary>By name, oldest first.</summary>
    internal IReadOnlyCollection<BucketVersion> Versions => _versions.Values;

    /// <summary>A version of which there is anything; null if there is nothing.</summary>
    internal BucketVersion? Find(string name, long version) => _versions.GetValueOrDefault((name, version));

    /// <summary>The same, but for one version.</summary>
    internal BucketListing With(string name, long version, BucketVersion? found) =>
        new(_versions.Values.Where(v => v.Name != name || v.Version != version).Concat(found is null ? [] : [found]));

    private static Comparer<(string Name, long Version)> Order { get; } = Comparer<(string Name, long Version)>.Create(
        (a, b) => string.CompareOrdinal(a.Name, b.Name) is var names and not 0 ? names : a.Version.CompareTo(b.Version));
}
