using System.Collections.Immutable;
using System.Globalization;

namespace RecoServe.Engine.Registry;

/// <summary>Which of a model's versions are to be loaded.</summary>
/// <param name="Latest">So many of the newest; <see cref="int.MaxValue"/> for all.</param>
/// <param name="Specific">If not empty, these and no others.</param>
internal sealed record VersionPolicy(int Latest, ImmutableArray<long> Specific)
{
    private const string All = "all";
    private const string LatestWord = "latest";
    private const string SpecificWord = "specific";

    /// <summary>Whether versions older than those it asks for may take the place of those that cannot be loaded.</summary>
    internal bool IsLatest => Specific.IsEmpty && Latest < int.MaxValue;

    /// <summary>The versions it asks for.</summary>
    /// <param name="complete">What the repository has, newest first.</param>
    internal IEnumerable<long> Select(IEnumerable<long> complete) =>
        Specific.IsEmpty ? complete.Take(Latest) : complete.Where(v => Specific.Contains(v));

    /// <summary>As operators write it.</summary>
    public override string ToString() => this switch
    {
        { Specific.IsEmpty: false } => $"{SpecificWord}:{string.Join(',', Specific)}",
        { Latest: int.MaxValue } => All,
        _ => string.Create(CultureInfo.InvariantCulture, $"{LatestWord}:{Latest}"),
    };

    /// <summary>Reads <c>latest</c>, <c>latest:2</c>, <c>all</c> or <c>specific:1,3</c>; null if it is none of them.</summary>
    internal static VersionPolicy? TryParse(string text)
    {
        var (word, argument) = text.Split(':', 2, StringSplitOptions.TrimEntries) is [var w, var a] ? (w, a) : (text.Trim(), "");
        return word switch
        {
            All when argument.Length == 0 => new VersionPolicy(int.MaxValue, []),
            LatestWord when argument.Length == 0 => new VersionPolicy(1, []),
            LatestWord when TryNumber(argument) is { } n and <= int.MaxValue => new VersionPolicy((int)n, []),
            SpecificWord when argument.Split(',').Select(TryNumber).ToArray() is var numbers && Array.TrueForAll(numbers, n => n > 0) =>
                new VersionPolicy(0, [.. numbers.Select(n => n!.Value)]),
            _ => null,
        };
    }

    private static long? TryNumber(string text) =>
        long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
