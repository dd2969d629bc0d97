using System.ComponentModel.DataAnnotations;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>The version policy of every model: one for all, and others for some.</summary>
public sealed class VersionPolicies
{
    private readonly Dictionary<string, VersionPolicy> _models = new(StringComparer.Ordinal);
    private VersionPolicy _others = new(1, []);

    private VersionPolicies()
    {
    }

    /// <summary>Whether a text is a policy.</summary>
    public static ValidationResult? Check(string text) => TryParse(text) is null
        ? new ValidationResult("must be latest, latest:2, all or specific:1,3, and for one model otherwise: latest;video=specific:7")
        : ValidationResult.Success;

    /// <summary>Reads policies that <see cref="Check"/> has found right.</summary>
    internal static VersionPolicies Parse(string text) =>
        TryParse(text) ?? throw new ArgumentException($"\"{text}\" is not a version policy", nameof(text));

    internal VersionPolicy Of(string model) => _models.GetValueOrDefault(model, _others);

    private static VersionPolicies? TryParse(string text)
    {
        var policies = new VersionPolicies();
        foreach (var part in text.Split(';', StringSplitOptions.TrimEntries))
        {
            var (model, words) = part.Split('=', 2, StringSplitOptions.TrimEntries) is [var m, var w] ? (m, w) : (null, part);
            if (VersionPolicy.TryParse(words) is not { } policy || (model is not null && !ModelName.IsValid(model)))
                return null;
            if (model is null)
                policies._others = policy;
            else
                policies._models[model] = policy;
        }

        return policies;
    }
}
