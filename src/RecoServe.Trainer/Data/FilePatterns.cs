namespace RecoServe.Trainer.Data;

/// <summary>The files that paths and glob patterns stand for.</summary>
internal static class FilePatterns
{
    private const string Forms = ".txt (user and item, no header), .csv, .tsv, .parquet (with columns) or .ascii (a rating matrix)";

    /// <summary>Expands the patterns in their order, the files of one pattern by name.</summary>
    /// <param name="workspace">Knows patterns.</param>
    /// <param name="patterns">Paths and patterns.</param>
    /// <param name="mayBeEmpty">Whether no file at all is an answer.</param>
    /// <exception cref="DataException">A file is not there, stands twice, or has an ending that tells no form; no file at all.</exception>
    public static IReadOnlyList<string> Expand(Workspace workspace, IReadOnlyList<string> patterns, bool mayBeEmpty = false)
    {
        List<string> files = [.. patterns.SelectMany(pattern => Expand(workspace, pattern))];
        foreach (var file in files)
        {
            if (!TableFile.Takes(file) && !IsText(file))
                throw new DataException($"{file}: the ending tells the form, and must be {Forms}");
        }

        if (files.Count == 0 && !mayBeEmpty)
            throw new DataException("no data file is named");
        if (files.GroupBy(file => file).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new DataException($"{twice.Key} is named twice; its events would count twice");
        if (files.Find(IsText) is { } text && files.Find(TableFile.Takes) is { } table)
            throw new DataException($"{text} is text and {table} has columns; all files must have one form");
        return files;
    }

    /// <summary>Whether the file is of the form without columns.</summary>
    public static bool IsText(string path) => Path.GetExtension(path).Equals(".txt", StringComparison.OrdinalIgnoreCase);

    private static List<string> Expand(Workspace workspace, string pattern)
    {
        if (File.Exists(pattern))
            return [pattern];
        if (Directory.Exists(pattern))
            throw new DataException($"{pattern} is a directory; name its files, for example {Path.Combine(pattern, "*.parquet")}");
        if (pattern.AsSpan().IndexOfAny('*', '?', '[') < 0)
            throw new DataException($"{pattern}: there is no such file");
        List<string> files = [.. workspace.Query($"SELECT file FROM glob({Sql.Text(pattern)}) ORDER BY file", r => r.GetString(0))];
        return files.Count > 0 ? files : throw new DataException($"{pattern}: no file has a name like this");
    }
}
