using System.Text.Json;
using System.Text.Json.Serialization;

namespace RecoServe.Engine.Packages;

/// <summary>
/// Questions with the trainer's own answers (<c>probe.json</c>). A version that answers otherwise than the trainer
/// recorded does not serve.
/// </summary>
public sealed record GoldenProbe
{
    /// <summary>Largest allowed |Δ logit| between the recorded and the served answer.</summary>
    public required float Tolerance { get; init; }

    /// <summary>The questions.</summary>
    public required IReadOnlyList<ProbeCase> Cases { get; init; }

    /// <summary>The content of <c>probe.json</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PackageJson.Default.GoldenProbe) + "\n";

    internal static GoldenProbe Read(string path) => PackageJson.Read(path, PackageJson.Default.GoldenProbe);
}

/// <summary>One question of the probe.</summary>
/// <param name="History">Item ids, oldest first; may be empty.</param>
/// <param name="Context">Context values by key.</param>
/// <param name="Answers">The recorded logits of some items: the most probable ones and a few others.</param>
/// <param name="LogSumExp">Natural logarithm of Σ exp(logit) over items 1…N: one number that every item's score enters.</param>
/// <param name="WatchedAt">When the watches were, milliseconds since 1970 UTC; null if the question does not say.</param>
/// <param name="HistoryContext">The contexts of the watches by key; null if the question does not say.</param>
public sealed record ProbeCase(
    IReadOnlyList<string> History,
    IReadOnlyDictionary<string, string> Context,
    IReadOnlyList<ProbeAnswer> Answers,
    double LogSumExp,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<long?>? WatchedAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<IReadOnlyDictionary<string, string>>? HistoryContext = null);

/// <summary>The recorded logit of one item.</summary>
/// <param name="ItemId">The item's id.</param>
/// <param name="Logit">The trainer's logit.</param>
public sealed record ProbeAnswer(string ItemId, float Logit);
