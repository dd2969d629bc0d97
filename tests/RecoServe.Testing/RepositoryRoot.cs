namespace RecoServe.Testing;

/// <summary>Finds the project's root, for tests that read its own files.</summary>
public static class RepositoryRoot
{
    public static string Path { get; } = Find(AppContext.BaseDirectory);

    public static string File(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    private static string Find(string directory) =>
        System.IO.File.Exists(System.IO.Path.Combine(directory, "RecoServe.sln"))
            ? directory
            : Find(System.IO.Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("RecoServe.sln is not above the tests"));
}
