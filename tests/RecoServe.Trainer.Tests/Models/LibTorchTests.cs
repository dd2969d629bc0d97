using RecoServe.Trainer.Models;
using TorchSharp;

namespace RecoServe.Trainer.Tests.Models;

[Collection(Torch.Collection)]
public sealed class LibTorchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("libtorch").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EnsureLoaded_FromManyThreads_MakesTorchUsable()
    {
        Parallel.For(0, 8, _ => LibTorch.EnsureLoaded());
        using var end = 5.ToScalar();
        using var sum = torch.arange(end).sum();
        Assert.Equal(10, sum.item<long>());
    }

    [Fact]
    public void WeakenedCopy_OfTheBinding_DiffersInOneFlagAndLeavesTheOriginalAlone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "ELF libraries are on Linux");
        var original = LibTorch.PathOf(LibTorch.Binding);
        var before = File.ReadAllBytes(original);
        var copy = File.ReadAllBytes(LibTorch.WeakenedCopy(original, _folder));
        Assert.Equal(before, File.ReadAllBytes(original));
        var changed = Assert.Single(Enumerable.Range(0, before.Length), i => before[i] != copy[i]);
        Assert.Equal((0, 2), (before[changed], copy[changed]));
    }

    [Fact]
    public void WeakenedCopy_SecondTime_IsReused_AndRepairedIfDamaged()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "ELF libraries are on Linux");
        var original = LibTorch.PathOf(LibTorch.Binding);
        var copy = LibTorch.WeakenedCopy(original, _folder);
        var (good, written) = (File.ReadAllBytes(copy), DateTime.UnixEpoch);
        File.SetLastWriteTimeUtc(copy, written);
        Assert.Equal(copy, LibTorch.WeakenedCopy(original, _folder));
        Assert.Equal(written, File.GetLastWriteTimeUtc(copy));

        File.WriteAllBytes(copy, good[..1000]);
        LibTorch.WeakenedCopy(original, _folder);
        Assert.Equal(good, File.ReadAllBytes(copy));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void WeakenedCopy_OfSomethingElse_SaysWhatIsWrong()
    {
        var path = Path.Combine(_folder, "not-a-library.so");
        File.WriteAllText(path, "text");
        var e = Assert.Throws<DllNotFoundException>(() => LibTorch.WeakenedCopy(path, _folder));
        Assert.Contains($"{path} is not a 64-bit little-endian ELF file", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GLIBCXX_9.9", LibTorch.MarkerSymbol, "does not need the symbol version GLIBCXX_9.9")]
    [InlineData("GLIBCXX_3.4.30", LibTorch.MarkerSymbol, "to GLIBCXX_3.4.30; only _ZSt21ios_base_library_initv was expected")]
    public void Set_VersionAbsentOrUsedByOthers_Refuses(string version, string symbol, string message)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "ELF libraries are on Linux");
        var bytes = File.ReadAllBytes(LibTorch.PathOf(LibTorch.Binding));
        var e = Assert.Throws<InvalidDataException>(() => WeakSymbolVersion.Set(bytes, version, symbol));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Set_CutFile_Refuses()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "ELF libraries are on Linux");
        var bytes = File.ReadAllBytes(LibTorch.PathOf(LibTorch.Binding))[..100_000];
        Assert.Throws<InvalidDataException>(() => WeakSymbolVersion.Set(bytes, LibTorch.MissingVersion, LibTorch.MarkerSymbol));
    }
}
