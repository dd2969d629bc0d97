using System.Runtime.InteropServices;
using RecoServe.Engine;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;

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

    /// <summary>Changes the item matrix, and has the probe record what the package answers with it.</summary>
    /// <param name="directory">The package's.</param>
    /// <param name="change">Changes the rows, [N + 1, d] row-major.</param>
    public static void ChangeMatrix(string directory, Action<float[]> change)
    {
        var path = Path.Combine(directory, PackageFiles.ItemMatrix);
        var rows = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
        change(rows);
        File.WriteAllBytes(path, MemoryMarshal.AsBytes(rows.AsSpan()));
        RewriteManifest(directory);
        RecordProbe(directory);
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

    /// <summary>Has the package answer its probe anew, and records that.</summary>
    private static void RecordProbe(string directory)
    {
        var package = ModelPackage.Open(directory);
        using var runner = new BareRunner(package, new RunnerOptions());
        var probe = package.Probe with { Cases = [.. package.Probe.Cases.Select(Answer)] };
        File.WriteAllText(Path.Combine(directory, PackageFiles.Probe), probe.ToJson());
        RewriteManifest(directory);

        ProbeCase Answer(ProbeCase asked)
        {
            var logits = runner.Logits(Query.Encode(package, ProbeCheck.RequestOf(asked), new HashSet<string>()).Input);
            return asked with
            {
                LogSumExp = NucleusSampler.LogSumExp(logits),
                Answers = [.. asked.Answers.Select(a => package.Catalogue.TryGetIndex(a.ItemId, out var item) ? a with { Logit = logits[item] } : a)],
            };
        }
    }

    /// <summary>Cuts a file in half, as an interrupted copy does.</summary>
    public static void Truncate(string path)
    {
        using var file = File.OpenWrite(path);
        file.SetLength(file.Length / 2);
    }
}
