using System.Globalization;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>Tells whether a package has changed since it was last looked at.</summary>
internal static class PackageFingerprint
{
    /// <summary>Size and time of every file that is verified: another one if a file has been written since. Reads no content.</summary>
    internal static string OfFiles(string directory) => string.Join(';', GraphFiles.IsGraph(directory)
        ? GraphFiles.Of(directory).Select(file => $"{Path.GetFileName(file)}:{OfFile(file)}")
        : PackageFiles.Content.Append(PackageFiles.Training).Append(PackageFiles.Manifest).Select(file => OfFile(Path.Combine(directory, file))));

    /// <summary>Size and time of one file; empty if there is none.</summary>
    internal static string OfFile(string path)
    {
        var info = new FileInfo(path);
        return info.Exists ? string.Create(CultureInfo.InvariantCulture, $"{info.Length}@{info.LastWriteTimeUtc.Ticks}") : "";
    }

    /// <summary>What the package is: the checksum of its manifest, which holds the checksums of all other files; those of all files of a plain graph.</summary>
    internal static string OfContent(string directory) => GraphFiles.IsGraph(directory)
        ? string.Join(';', GraphFiles.Of(directory).Select(file => $"{Path.GetFileName(file)}:{ModelPackage.Checksum(file).Sha256}"))
        : ModelPackage.Checksum(Path.Combine(directory, PackageFiles.Manifest)).Sha256;
}
