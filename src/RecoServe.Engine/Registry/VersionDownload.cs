using System.Security.Cryptography;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Stores;

namespace RecoServe.Engine.Registry;

/// <summary>
/// Brings the objects of a version into a directory: the manifest first, then what it lists; of a plain graph, everything. Each file
/// gets its name only once it is what the listing and the manifest say, so that a download that was interrupted goes on with the next file.
/// </summary>
/// <param name="bucket">Where from.</param>
/// <param name="version">What was listed.</param>
/// <param name="staging">Where to.</param>
/// <param name="metrics">Told of the bytes.</param>
internal sealed class VersionDownload(Bucket bucket, BucketVersion version, string staging, EngineMetrics metrics)
{
    /// <summary>Bytes that were read.</summary>
    internal long Bytes { get; private set; }

    /// <exception cref="PackageException">Names the object that is missing or damaged.</exception>
    /// <exception cref="StoreUnavailableException">The bucket does not answer.</exception>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(staging);
        if (!version.IsPackage)
        {
            foreach (var file in version.Files.Keys)
                await FetchAsync(file, null, cancellationToken);
            return;
        }

        await FetchAsync(PackageFiles.Manifest, null, cancellationToken);
        var files = ReadManifest().Files;
        foreach (var (file, expected) in files)
            Require(file, expected);
        foreach (var (file, expected) in files)
            await FetchAsync(file, expected, cancellationToken);
    }

    /// <summary>Verifies what was fetched before: by the manifest; of a plain graph, which has no checksums, the sizes.</summary>
    /// <exception cref="PackageException">Names the file that is missing or damaged.</exception>
    internal static void Verify(BucketVersion version, string directory)
    {
        if (version.IsPackage)
            ModelPackage.VerifyFiles(directory);
        else if (version.Files.FirstOrDefault(f => new FileInfo(Path.Combine(directory, f.Key)) is not { Exists: true } file || file.Length != f.Value.Bytes).Key is { } wrong)
            throw new PackageException(Path.Combine(directory, wrong), "is not what was fetched");
    }

    private ModelManifest ReadManifest()
    {
        try
        {
            return ModelManifest.Read(Path.Combine(staging, PackageFiles.Manifest));
        }
        catch (PackageException e)
        {
            throw new PackageException(UriOf(PackageFiles.Manifest), $"cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Before anything large is read.</summary>
    private void Require(string file, FileChecksum expected)
    {
        if (!version.Files.TryGetValue(file, out var found))
            throw new PackageException(UriOf(file), "is missing");
        if (found.Bytes != expected.Bytes)
            throw new PackageException(UriOf(file), $"has {found.Bytes} bytes, the manifest says {expected.Bytes}: the copy is not complete or not of this version");
    }

    private async Task FetchAsync(string file, FileChecksum? expected, CancellationToken cancellationToken)
    {
        var (path, part) = (Path.Combine(staging, file), Path.Combine(staging, $"{file}.part"));
        if (File.Exists(path))
            return;
        var source = version.Files[file];
        var etagIsMd5 = await bucket.DownloadAsync(source, part, Count, cancellationToken);
        await LoadThread.RunAsync($"verify {version.Name}/{version.Version}", lowPriority: true, () =>
        {
            Verify(part, source, etagIsMd5, expected);
            return true;
        });
        File.Move(part, path);
    }

    private void Count(long bytes)
    {
        Bytes += bytes;
        metrics.StoreBytes.Add(bytes);
    }

    private void Verify(string path, BucketObject source, bool etagIsMd5, FileChecksum? expected)
    {
        using var file = File.OpenRead(path);
        if (file.Length != source.Bytes)
            throw new PackageException(bucket.Address.UriOf(source.Key), $"came with {file.Length} bytes, listed were {source.Bytes}");
#pragma warning disable CA5351 // It is what S3 has; it finds damage, not attackers.
        if (etagIsMd5 && Convert.ToHexStringLower(MD5.HashData(file)) is var md5 && md5 != source.ETag)
#pragma warning restore CA5351
            throw new PackageException(bucket.Address.UriOf(source.Key), $"is damaged: its MD5 is {md5}, its ETag {source.ETag}");
        file.Position = 0;
        if (expected is not null && Convert.ToHexStringLower(SHA256.HashData(file)) is var sha256 && sha256 != expected.Sha256)
            throw new PackageException(bucket.Address.UriOf(source.Key), $"is damaged: its SHA-256 is {sha256}, the manifest says {expected.Sha256}");
    }

    private string UriOf(string file) => bucket.Address.UriOf($"{bucket.Address.Prefix}{version.Name}/{version.Version}/{file}");
}
