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

    /// <summary>Where it has the split.</summary>
    public const string SplitKey = "split";

    /// <summary>Where it has what decides ranks, in the words of <see cref="Evaluation.RankingOptions.Protocol"/>.</summary>
    public const string RankingKey = "ranking";

    /// <summary>Settings of the training.</summary>
    public required FitOptions Fit { get; init; }

    /// <summary>How the log was read.</summary>
    public IReadOnlyDictionary<string, string> Data { get; init; } = new Dictionary<string, string>();

    /// <summary>The log's context columns.</summary>
    public IReadOnlyList<ContextField> ContextFields { get; init; } = [];

    /// <summary>SHA-256 of the training events: another log cannot continue this run.</summary>
    public required string LogChecksum { get; init; }

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
    public NetworkShape ShapeFor(Catalogue catalogue) => new(catalogue.Count, Fit.Dimension, Fit.Layers, [.. ContextFields.Select(f => f.Values.Count)])
    {
        Kind = Fit.Network,
        StateDimension = Fit.StateDimension,
        Heads = Fit.Heads,
        Memory = Fit.Memory,
        MaxHistory = Fit.MaxHistory,
        ScaleInput = Fit.ScaleInput,
        Output = Fit.Output,
        ItemBias = Fit.ItemBias,
        TimeGaps = Fit.TimeGaps,
        HistoryContext = Fit.HistoryContext,
        SparseGradients = Fit.Optimiser == OptimiserKind.SparseAdam,
        ItemFeatures = [.. Fit.ItemFeatures.Select(name => ItemFeature.Read(catalogue, name))],
        Fusion = Fit.ContextFusion,
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
internal sealed partial class RunJson : JsonSerializerContext;
