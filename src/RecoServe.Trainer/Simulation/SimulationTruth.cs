using System.Text.Json;
using System.Text.Json.Serialization;

namespace RecoServe.Trainer.Simulation;

/// <summary>
/// What <c>truth.json</c> says: the world behind the log, enough to compute every logged propensity again. Written last, so
/// that a directory with it is complete.
/// </summary>
internal sealed record SimulationTruth
{
    /// <summary>The file's name.</summary>
    public const string FileName = "truth.json";

    /// <summary>Version of this file's format.</summary>
    public int Format { get; init; } = 1;

    /// <summary>What the log was made from: the same options give the same log.</summary>
    public required SimulationOptions Options { get; init; }

    /// <summary>Format of the tables, and their file extension.</summary>
    public required string TableFormat { get; init; }

    /// <summary>Day 0, 0:00.</summary>
    public required DateTimeOffset Epoch { get; init; }

    /// <summary>How much there is.</summary>
    public required SimulationCounts Counts { get; init; }

    /// <summary>The logging policy's settings.</summary>
    public required PolicyParameters Policy { get; init; }

    /// <summary>The viewers' settings.</summary>
    public required ViewerParameters Viewers { get; init; }

    /// <summary>Half-life of freshness by category.</summary>
    public required IReadOnlyDictionary<string, double> HalfLifeDays { get; init; }

    /// <summary>The policy's score of every item, in the order of the items table.</summary>
    public required IReadOnlyList<double> PolicyScores { get; init; }

    /// <summary>The quality of every item, in the order of the items table.</summary>
    public required IReadOnlyList<double> Quality { get; init; }

    /// <summary>Log popularity of every item, in the order of the items table.</summary>
    public required IReadOnlyList<double> Fame { get; init; }

    internal string ToJson() => JsonSerializer.Serialize(this, SimulationJson.Default.SimulationTruth) + "\n";
}

/// <summary>The size of a log.</summary>
/// <param name="Users">Users.</param>
/// <param name="Items">Items.</param>
/// <param name="Watches">Watches.</param>
/// <param name="Slates">Slates shown.</param>
/// <param name="Impressions">Items shown: rows of the impressions table.</param>
internal sealed record SimulationCounts(int Users, int Items, long Watches, long Slates, long Impressions);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SimulationTruth))]
[JsonSerializable(typeof(IReadOnlyList<DemoUser>))]
internal sealed partial class SimulationJson : JsonSerializerContext;
