using System.Security.Cryptography;

namespace RecoServe.Engine.Packages;

/// <summary>An opened model package: every file present and as its manifest says.</summary>
public sealed class ModelPackage
{
    private ModelPackage(string directory, ModelManifest manifest, Catalogue catalogue, GoldenProbe probe) =>
        (Directory, Manifest, Catalogue, Probe) = (directory, manifest, catalogue, probe);

    /// <summary>The package's directory.</summary>
    public string Directory { get; }

    /// <summary>The manifest.</summary>
    public ModelManifest Manifest { get; }

    /// <summary>The items.</summary>
    public Catalogue Catalogue { get; }

    /// <summary>The golden probe.</summary>
    public GoldenProbe Probe { get; }

    /// <summary>The full path of one of <see cref="PackageFiles"/>.</summary>
    public string PathOf(string file) => Path.Combine(Directory, file);

    /// <summary>Whether a directory holds a finished package: the manifest is written last.</summary>
    public static bool IsComplete(string directory) => File.Exists(Path.Combine(directory, PackageFiles.Manifest));

    /// <summary>Reads the manifest, verifies size and checksum of every file, and reads catalogue and probe.</summary>
    /// <exception cref="PackageException">Names the file that is missing, damaged or inconsistent.</exception>
    public static ModelPackage Open(string directory)
    {
        var manifestPath = Path.Combine(directory, PackageFiles.Manifest);
        var manifest = ModelManifest.Read(manifestPath);
        if (manifest.Format != ModelManifest.CurrentFormat)
            throw new PackageException(manifestPath, $"has format {manifest.Format}; this build reads format {ModelManifest.CurrentFormat}");
        if (manifest is not { ItemCount: > 0, Dimension: > 0, MaxHistory: > 0 })
            throw new PackageException(manifestPath, "must have item_count, dimension and max_history above 0");
        if (PackageFiles.Content.FirstOrDefault(file => !manifest.Files.ContainsKey(file)) is { } unlisted)
            throw new PackageException(manifestPath, $"does not list {unlisted}");
        Verify(directory, manifest);
        RequireBytes(directory, PackageFiles.ItemMatrix, (manifest.ItemCount + 1L) * manifest.Dimension * sizeof(float), manifest);
        RequireBytes(directory, PackageFiles.ItemBias, (manifest.ItemCount + 1L) * sizeof(float), manifest);
        var catalogue = Catalogue.Read(Path.Combine(directory, PackageFiles.Catalogue), manifest.ItemCount);
        if (catalogue.Count != manifest.ItemCount)
            throw new PackageException(Path.Combine(directory, PackageFiles.Catalogue), $"has {catalogue.Count} items, the manifest says {manifest.ItemCount}");
        return new ModelPackage(directory, manifest, catalogue, GoldenProbe.Read(Path.Combine(directory, PackageFiles.Probe)));
    }

    /// <summary>Verifies size and checksum of every file that the manifest lists, and reads no more than that.</summary>
    /// <exception cref="PackageException">Names the file that is missing or damaged.</exception>
    internal static void VerifyFiles(string directory) => Verify(directory, ModelManifest.Read(Path.Combine(directory, PackageFiles.Manifest)));

    internal static FileChecksum Checksum(string path)
    {
        using var file = File.OpenRead(path);
        return new FileChecksum(file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static void Verify(string directory, ModelManifest manifest)
    {
        foreach (var (file, expected) in manifest.Files)
            Verify(Path.Combine(directory, file), expected);
    }

    private static void Verify(string path, FileChecksum expected)
    {
        var info = new FileInfo(path);
        if (!info.Exists)
            throw new PackageException(path, "is missing");
        if (info.Length != expected.Bytes)
            throw new PackageException(path, $"has {info.Length} bytes, the manifest says {expected.Bytes}: the copy is not complete or not of this version");
        var actual = Checksum(path);
        if (actual.Sha256 != expected.Sha256)
            throw new PackageException(path, $"is damaged: its SHA-256 is {actual.Sha256}, the manifest says {expected.Sha256}");
    }

    private static void RequireBytes(string directory, string file, long bytes, ModelManifest manifest)
    {
        if (manifest.Files[file].Bytes != bytes)
        {
            throw new PackageException(
                Path.Combine(directory, file),
                $"has {manifest.Files[file].Bytes} bytes; {manifest.ItemCount} items of dimension {manifest.Dimension} need {bytes}");
        }
    }
}
