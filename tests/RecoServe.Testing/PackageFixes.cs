using RecoServe.Engine.Packages;

namespace RecoServe.Testing;

/// <summary>Alters published packages, to see what readers make of it.</summary>
public static class PackageFixes
{
    /// <summary>Makes the manifest agree with the files again, so that a later check than the checksum has to notice.</summary>
    public static void RewriteManifest(string directory, Func<ModelManifest, ModelManifest>? change = null)
    {
        var path = Path.Combine(directory, PackageFiles.Manifest);
        var files = PackageFiles.Content.Where(f => File.Exists(Path.Combine(directory, f)))
            .ToDictionary(f => f, f => ModelPackage.Checksum(Path.Combine(directory, f)));
        var manifest = ModelManifest.Read(path) with { Files = files };
        File.WriteAllText(path, (change?.Invoke(manifest) ?? manifest).ToJson());
    }

    /// <summary>Flips one bit in the middle of a file.</summary>
    public static void Corrupt(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>Puts NaN into the row of an item of the matrix, with checksums that are right.</summary>
    public static void PutNaN(string directory, int item)
    {
        var path = Path.Combine(directory, PackageFiles.ItemMatrix);
        var bytes = File.ReadAllBytes(path);
        BitConverter.TryWriteBytes(bytes.AsSpan(item * ModelManifest.Read(Path.Combine(directory, PackageFiles.Manifest)).Dimension * sizeof(float)), float.NaN);
        File.WriteAllBytes(path, bytes);
        RewriteManifest(directory);
    }

    /// <summary>Cuts a file in half, as an interrupted copy does.</summary>
    public static void Truncate(string path)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(file.Length / 2);
    }
}
