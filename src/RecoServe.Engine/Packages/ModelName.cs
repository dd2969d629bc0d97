using System.Text.RegularExpressions;

namespace RecoServe.Engine.Packages;

/// <summary>
/// What a model may be called. Names come from the wire and become directories: nothing that could leave the repository is
/// a name.
/// </summary>
public static partial class ModelName
{
    /// <summary>The rule in words.</summary>
    public const string Rule = "letters, digits, '_', '.' and '-', at most 128, the first a letter or digit";

    /// <summary>Whether a model may be called so.</summary>
    public static bool IsValid(string name) => Pattern().IsMatch(name);

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\\z")]
    private static partial Regex Pattern();
}
