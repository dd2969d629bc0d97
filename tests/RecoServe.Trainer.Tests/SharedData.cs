namespace RecoServe.Trainer.Tests;

/// <summary>Data sets that lie beside the repository on some machines and may not be in it.</summary>
internal static class SharedData
{
    /// <summary>The full path; skips the test if the file is not there.</summary>
    public static string PathOf(string file)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "RecoServe.sln")))
            root = root.Parent;
        var path = Path.GetFullPath(Path.Combine(root?.FullName ?? ".", "..", "shared", "data", file));
        Assert.SkipUnless(File.Exists(path), $"{path} is absent");
        return path;
    }
}
