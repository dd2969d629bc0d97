using System.Runtime.InteropServices;
using RecoServe.Engine.Packages;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Targets;

/// <summary>Model repositories that exist for one run.</summary>
internal static class Models
{
    /// <summary>Added to every logit of the second version of <see cref="Twins"/>: probabilities stay, and the logits say whose they are.</summary>
    internal const float TwinShift = 100;

    /// <summary>A made model: no encoder to speak of, d = 64, and as many items as wanted.</summary>
    internal static void Make(string repository, int items) =>
        // Items in [−½, ½)⁶⁴: the logits after ten watches have a standard deviation of about 2, like those of trained models.
        new TestModel { Name = "made", ItemCount = items, Dimension = 64, Row = (item, column) => Hash(item, column) - 0.5f, Bias = _ => 0 }.Publish(repository);

    /// <summary>A package again, for longer histories: a recurrent graph reads any length.</summary>
    internal static void Stretch(ModelPackage package, string repository, int maxHistory)
    {
        var directory = Copy(package, repository, version: 1);
        // The probe was answered by a model that read no more than this of its histories.
        var probe = package.Probe with { Cases = [.. package.Probe.Cases.Select(c => c with { History = [.. c.History.TakeLast(package.Manifest.MaxHistory)] })] };
        File.WriteAllText(Path.Combine(directory, PackageFiles.Probe), probe.ToJson());
        PackageFixes.RewriteManifest(directory, m => m with { MaxHistory = maxHistory });
    }

    /// <summary>A package twice, as versions 1 and 2, which recommend alike but for <see cref="TwinShift"/>.</summary>
    internal static void Twins(ModelPackage package, string repository)
    {
        Copy(package, repository, version: 1);
        var second = Copy(package, repository, version: 2);
        var file = Path.Combine(second, PackageFiles.ItemBias);
        var bytes = File.ReadAllBytes(file);
        foreach (ref var bias in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
            bias += TwinShift;
        File.WriteAllBytes(file, bytes);
        File.WriteAllText(Path.Combine(second, PackageFiles.Probe), Shifted(package.Probe).ToJson());
        PackageFixes.RewriteManifest(second);
    }

    private static GoldenProbe Shifted(GoldenProbe probe) => probe with
    {
        Cases = [.. probe.Cases.Select(c => c with
        {
            Answers = [.. c.Answers.Select(a => a with { Logit = a.Logit + TwinShift })],
            LogSumExp = c.LogSumExp + TwinShift,
        })],
    };

    /// <summary>A package as it is, as another version; returns its directory.</summary>
    internal static string Copy(ModelPackage package, string repository, int version)
    {
        var directory = Directory.CreateDirectory(Path.Combine(repository, package.Manifest.Name, $"{version}")).FullName;
        foreach (var file in PackageFiles.Content.Append(PackageFiles.Manifest))
            File.Copy(package.PathOf(file), Path.Combine(directory, file));
        PackageFixes.RewriteManifest(directory, m => m with { Version = version });
        return directory;
    }

    /// <summary>A number in [0, 1) that depends on nothing but the two (the finaliser of MurmurHash3).</summary>
    private static float Hash(int item, int column)
    {
        var x = ((uint)item * 0x9E3779B9) ^ ((uint)column * 0x85EBCA6B);
        x = (x ^ (x >> 16)) * 0x85EBCA6B;
        x = (x ^ (x >> 13)) * 0xC2B2AE35;
        return ((x ^ (x >> 16)) >> 8) * (1f / (1 << 24));
    }
}
