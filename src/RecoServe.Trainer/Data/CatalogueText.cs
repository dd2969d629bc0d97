namespace RecoServe.Trainer.Data;

/// <summary>What may not stand in a field of a catalogue file, which is text with tabs between fields and a line an item.</summary>
internal static class CatalogueText
{
    private static readonly (char Character, string Name, string Escape)[] Forbidden =
        [('\t', "a tab", "\\t"), ('\n', "a line break", "\\n"), ('\r', "a line break", "\\r"), ('\0', "a NUL", "\\0")];

    /// <summary>SQL that is true where a text column cannot stand in a catalogue.</summary>
    public static string IsUnfit(string column) => $"({string.Join(" OR ", Forbidden.Select(f => $"contains({column}, chr({(int)f.Character}))"))})";

    /// <summary>SQL of a text column with a space for everything that cannot stand in a catalogue.</summary>
    public static string Spaced(string text) =>
        $"translate({text}, {string.Join(" || ", Forbidden.Select(f => $"chr({(int)f.Character})"))}, '{new string(' ', Forbidden.Length)}')";

    /// <summary>What is wrong with a text, for a message of one line; null if it can stand in a catalogue.</summary>
    public static string? ProblemOf(string text)
    {
        var shown = text;
        foreach (var (character, _, escape) in Forbidden)
            shown = shown.Replace(character.ToString(), escape, StringComparison.Ordinal);
        foreach (var (character, name, _) in Forbidden)
        {
            if (text.Contains(character, StringComparison.Ordinal))
                return $"\"{shown}\" holds {name}, which a catalogue cannot hold";
        }

        return null;
    }
}
