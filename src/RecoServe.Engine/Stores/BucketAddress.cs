using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace RecoServe.Engine.Stores;

/// <summary>Where in which bucket models lie: <c>s3://bucket/prefix</c>, and below it the keys <c>name/version/file</c>.</summary>
/// <param name="Bucket">The bucket's name.</param>
/// <param name="Prefix">Ends with <c>/</c>, or is empty.</param>
public sealed partial record BucketAddress(string Bucket, string Prefix)
{
    private const string Scheme = "s3://";

    /// <summary>Whether a repository is meant to be a bucket.</summary>
    public static bool IsMeant(string repository) => repository.StartsWith("s3:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a text names a directory, or a bucket as it should.</summary>
    public static ValidationResult? Check(string repository) => !IsMeant(repository) || Pattern().IsMatch(repository)
        ? ValidationResult.Success
        : new ValidationResult("must be a directory or s3://bucket/prefix (a bucket of 3 to 63 small letters, digits, '.' and '-'; a prefix of letters, digits, '_', '.', '-' and '/')");

    /// <summary>Reads an address.</summary>
    /// <exception cref="ArgumentException">It is not one.</exception>
    public static BucketAddress Parse(string text)
    {
        if (Pattern().Match(text) is not { Success: true } match)
            throw new ArgumentException($"\"{text}\" is not s3://bucket/prefix", nameof(text));
        var prefix = match.Groups["prefix"].Value.Trim('/');
        return new BucketAddress(match.Groups["bucket"].Value, prefix.Length > 0 ? prefix + "/" : "");
    }

    /// <summary>As operators write it.</summary>
    public override string ToString() => $"{Scheme}{Bucket}/{Prefix}".TrimEnd('/');

    /// <summary>A key as operators write it.</summary>
    internal string UriOf(string key) => $"{Scheme}{Bucket}/{key}";

    [GeneratedRegex("^s3://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?<prefix>(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)/?\\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();
}
