using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using RecoServe.Engine.Packages;
using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Training;

/// <summary>What a run folder's <c>options.json</c> says: enough to make the same network and the same batches again.</summary>
internal sealed record RunSettings
{
    /// <summary>Where <see cref="Data"/> has the names of the log's files.</summary>
    public const string LogKey = "log";

    /// <summary>Where it has what a watch is worth; empty for 1.</summary>
    public const string RewardKey = "reward";

    /// <summary>Where it has for how many seconds after a row what is watched next counts for it; 0 for no time.</summary>
    public const string HorizonKey = "reward_horizon_seconds";

    /// <summary>Where it has the split.</summary>
    public const string SplitKey = "split";

    /// <summary>Where it has what decides ranks, in the words of <see cref="Evaluation.RankingOptions.Protocol"/>.</summary>
    public const string RankingKey = "ranking";

    /// <summary>Where it has the name of the run whose weights it began with; empty for none.</summary>
    public const string StartKey = "start_from";

    /// <summary>Settings of the training.</summary>
    public required FitOptions Fit { get; init; }

    /// <summary>How the log was read.</summary>
    public IReadOnlyDictionary<string, string> Data { get; init; } = new Dictionary<string, string>();

    /// <summary>The log's context columns.</summary>
    public IReadOnlyList<ContextField> ContextFields { get; init; } = [];

    /// <summary>SHA-256 of the training events: another log cannot continue this run.</summary>
    public required string LogChecksum { get; init; }

    /// <summary>Whether watches were worth something else than 1.</summary>
    public bool HasReward => Data.GetValueOrDefault(RewardKey, "") != "" || Data.GetValueOrDefault(HorizonKey, "0") != "0";

    /// <summary>Reads settings; those that an earlier build did not know are the defaults, and not zero.</summary>
    /// <exception cref="JsonException">It is no JSON, or not of this form.</exception>
    public static RunSettings Read(string json)
    {
        var settings = JsonNode.Parse(json);
        if (settings is JsonObject known && known["fit"] is JsonObject fit)
            Complete(fit, JsonSerializer.SerializeToNode(new FitOptions(), RunJson.Default.FitOptions)!.AsObject());
        return settings.Deserialize(RunJson.Default.RunSettings)!;
    }

    /// <summary>The network's kind and sizes.</summary>
    /// <param name="catalogue">The run's items.</param>
    /// <exception cref="Data.DataException">The items lack an attribute that the network reads.</exception>
    public NetworkShape ShapeFor(Catalogue catalogue) => ShapeOf(Fit, ContextFields, catalogue);

    /// <inheritdoc cref="ShapeFor"/>
    public static NetworkShape ShapeOf(FitOptions fit, IReadOnlyList<ContextField> contexts, Catalogue catalogue) => new(catalogue.Count, fit.Dimension, fit.Layers, [.. contexts.Select(f => f.Values.Count)])
    {
        Kind = fit.Network,
        StateDimension = fit.StateDimension,
        Heads = fit.Heads,
        Memory = fit.Memory,
        MaxHistory = fit.MaxHistory,
        ScaleInput = fit.ScaleInput,
        Output = fit.Output,
        ItemBias = fit.ItemBias,
        TimeGaps = fit.TimeGaps,
        HistoryContext = fit.HistoryContext,
        SparseGradients = fit.Optimiser == OptimiserKind.SparseAdam,
        ItemFeatures = [.. fit.ItemFeatures.Select(name => ItemFeature.Read(catalogue, name))],
        Fusion = fit.ContextFusion,
    };

    /// <summary>Every setting by name, for the manifest of a package.</summary>
    public IReadOnlyDictionary<string, string> Flatten()
    {
        using var fit = JsonSerializer.SerializeToDocument(Fit, RunJson.Default.FitOptions);
        return Flatten("fit", fit.RootElement)
            .Concat(Data.Select(d => KeyValuePair.Create($"data/{d.Key}", d.Value)))
            .ToDictionary();
    }

    private static void Complete(JsonObject settings, JsonObject defaults)
    {
        foreach (var (name, value) in defaults)
        {
            if (!settings.ContainsKey(name))
                settings[name] = value?.DeepClone();
            else if (settings[name] is JsonObject inner && value is JsonObject innerDefaults)
                Complete(inner, innerDefaults);
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Flatten(string name, JsonElement element) =>
        element.ValueKind == JsonValueKind.Object
            ? element.EnumerateObject().SelectMany(p => Flatten($"{name}/{p.Name}", p.Value))
            : [KeyValuePair.Create(name, element.ToString())];
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UseStringEnumConverter = true,
    IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(RunSettings))]
[JsonSerializable(typeof(FitState))]
[JsonSerializable(typeof(Dictionary<string, double>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class RunJson : JsonSerializerContext;
