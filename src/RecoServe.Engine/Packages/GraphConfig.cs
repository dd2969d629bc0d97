using System.Text.Json;
using System.Text.Json.Serialization;

namespace RecoServe.Engine.Packages;

/// <summary>What <c>config.json</c> of a plain graph says; what it does not say is as for packages.</summary>
public sealed record GraphConfig
{
    /// <summary>Most rows of a run, 1…1024; 0: requests are computed whole, one by one.</summary>
    public int? MaxBatchSize { get; init; }

    /// <summary>How long a batch may wait for more rows, 0…1,000,000 microseconds.</summary>
    public long? MaxQueueDelayMicroseconds { get; init; }

    /// <summary>Rows that may wait, 1…65,536.</summary>
    public int? MaxQueueSize { get; init; }

    /// <summary>Runs at the same time, 1…64.</summary>
    public int? Instances { get; init; }

    private static readonly Dictionary<string, (long Least, long Most)> Ranges = new()
    {
        ["max_batch_size"] = (0, 1024),
        ["max_queue_delay_microseconds"] = (0, 1_000_000),
        ["max_queue_size"] = (1, 65_536),
        ["instances"] = (1, 64),
    };

    /// <summary>Reads the file; all is default if there is none.</summary>
    /// <exception cref="PackageException">Names the file and what is wrong.</exception>
    internal static GraphConfig Read(string directory)
    {
        var path = Path.Combine(directory, GraphFiles.Config);
        if (!File.Exists(path))
            return new GraphConfig();
        var root = PackageJson.Read(path, GraphConfigJson.Default.JsonElement);
        if (root.ValueKind != JsonValueKind.Object)
            throw new PackageException(path, "is not an object, such as { \"max_batch_size\": 8 }");
        foreach (var property in root.EnumerateObject())
            Require(path, property);
        return root.Deserialize(GraphConfigJson.Default.GraphConfig)!;
    }

    private static void Require(string path, JsonProperty property)
    {
        if (!Ranges.TryGetValue(property.Name, out var range))
            throw new PackageException(path, $"says \"{property.Name}\"; its keys are: {string.Join(", ", Ranges.Keys)}");
        var isInRange = property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt64(out var value) && value >= range.Least && value <= range.Most;
        if (!isInRange)
            throw new PackageException(path, $"says \"{property.Name}\": {property.Value.GetRawText()}; it must be a whole number from {range.Least} to {range.Most}");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(GraphConfig))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class GraphConfigJson : JsonSerializerContext;
