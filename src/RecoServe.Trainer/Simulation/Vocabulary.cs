using System.Text.Json;
using System.Text.Json.Serialization;

namespace RecoServe.Trainer.Simulation;

/// <summary>The categories and the words of the simulated world: the embedded <c>vocabulary.json</c>.</summary>
/// <param name="Hosts">Given names.</param>
/// <param name="Places">Names of places.</param>
/// <param name="Adjectives">First halves of channel names.</param>
/// <param name="Categories">The categories.</param>
internal sealed record Vocabulary(
    IReadOnlyList<string> Hosts,
    IReadOnlyList<string> Places,
    IReadOnlyList<string> Adjectives,
    IReadOnlyList<Category> Categories)
{
    /// <summary>Reads the embedded file.</summary>
    public static Vocabulary Load()
    {
        using var stream = typeof(Vocabulary).Assembly.GetManifestResourceStream("vocabulary.json")
            ?? throw new InvalidOperationException("vocabulary.json is not embedded in the assembly");
        return JsonSerializer.Deserialize(stream, VocabularyJson.Default.Vocabulary)
            ?? throw new InvalidOperationException("vocabulary.json is empty");
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Vocabulary))]
internal sealed partial class VocabularyJson : JsonSerializerContext;
