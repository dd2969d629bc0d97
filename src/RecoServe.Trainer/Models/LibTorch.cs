using System.Runtime.InteropServices;
using System.Security.Cryptography;
using TorchSharp;

namespace RecoServe.Trainer.Models;

/// <summary>
/// Loads libtorch before TorchSharp's first use. TorchSharp 0.107 was built with a newer C++ library than some systems have
/// (Debian 12: GLIBCXX up to 3.4.30, needed 3.4.32) although it calls nothing of it; there, and only there, a copy in the
/// user's cache folder with that need marked weak is loaded in its place.
/// </summary>
internal static class LibTorch
{
    internal const string Binding = "libLibTorchSharp.so";
    internal const string MissingVersion = "GLIBCXX_3.4.32";

    /// <summary>Says only "the C++ library is new enough"; an object that calls it by name does not exist.</summary>
    internal const string MarkerSymbol = "_ZSt21ios_base_library_initv";

    private static readonly Lazy<nint> Handle = new(Load);

    /// <summary>Makes TorchSharp usable. Any thread, any number of times; without effect where TorchSharp loads by itself.</summary>
    /// <exception cref="DllNotFoundException">Names the library that cannot be loaded, and why.</exception>
    public static void EnsureLoaded() => _ = Handle.Value;

    /// <summary>Where this program's native libraries lie: beside it, or under <c>runtimes/&lt;rid&gt;/native</c>.</summary>
    internal static string PathOf(string library) =>
        SearchDirectories().Select(d => Path.Combine(d, library)).FirstOrDefault(File.Exists)
        ?? throw new DllNotFoundException($"{library} is in none of: {string.Join(", ", SearchDirectories())}");

    /// <summary>The cached copy of a binding with <see cref="MissingVersion"/> marked weak, made if absent or damaged.</summary>
    internal static string WeakenedCopy(string original, string cache)
    {
        var bytes = File.ReadAllBytes(original);
        var name = $"{Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]}-{Binding}";
        try
        {
            WeakSymbolVersion.Set(bytes, MissingVersion, MarkerSymbol);
        }
        catch (InvalidDataException e)
        {
            throw new DllNotFoundException($"{original} {e.Message}; install a C++ library that has {MissingVersion} (GCC 13 or later)", e);
        }

        var copy = Path.Combine(Directory.CreateDirectory(cache).FullName, name);
        if (File.Exists(copy) && File.ReadAllBytes(copy).AsSpan().SequenceEqual(bytes))
            return copy;
        var draft = Path.Combine(cache, $"{name}.{Guid.NewGuid():n}");
        File.WriteAllBytes(draft, bytes);
        File.Move(draft, copy, overwrite: true);
        return copy;
    }

    private static nint Load()
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        var original = PathOf(Binding);
        try
        {
            return NativeLibrary.Load(original);
        }
        catch (DllNotFoundException e) when (e.Message.Contains(MissingVersion, StringComparison.Ordinal))
        {
            // The copy lies elsewhere, so what it needs must be in the process already: its $ORIGIN is not theirs.
            foreach (var library in (string[])["libc10.so", "libtorch_cpu.so", "libtorch.so"])
                NativeLibrary.Load(PathOf(library));
            var handle = NativeLibrary.Load(WeakenedCopy(original, CacheDirectory()));
            NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? handle : 0);
            return handle;
        }
    }

    private static string CacheDirectory() => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "recoserve",
        "native");

    private static IEnumerable<string> SearchDirectories()
    {
        var known = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string)?.Split(':', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return [.. known, AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native")];
    }
}
