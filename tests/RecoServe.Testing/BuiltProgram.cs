namespace RecoServe.Testing;

/// <summary>Programs of this repository, built as the running one is.</summary>
public static class BuiltProgram
{
    /// <summary>Where <c>dotnet build</c> puts a program.</summary>
    /// <param name="project">The project, without "RecoServe.".</param>
    /// <param name="program">The program's file.</param>
    public static string PathOf(string project, string program)
    {
        var own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        return Path.GetFullPath(Path.Combine(own, "..", "..", $"RecoServe.{project}", Path.GetFileName(own), program));
    }
}
