using System.Text.Json;
using System.Text.Json.Serialization;

namespace RecoServe.Engine.Packages;

/// <summary>What <c>manifest.json</c> of a model package says. Written last, so that a directory with a manifest is complete.</summary>
public sealed record ModelManifest
{
    /// <summary>The package format that this build reads and writes.</summary>
    public const int CurrentFormat = 1;

    /// <summary>Version of the package format.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The model's name: the directory's parent.</summary>
    public required string Name { get; init; }

    /// <summary>The version number, 1 or more: the directory's name.</summary>
    public required long Version { get; init; }

    /// <summary>The network, for example <c>gru</c>. Informative: the graphs say what is computed.</summary>
    public required string Network { get; init; }

    /// <summary>Number of items N. Items have the indexes 1…N; row 0 of the item matrix is the start-of-history marker.</summary>
    public required int ItemCount { get; init; }

    /// <summary>Width d of the user state and of an item's row.</summary>
    public required int Dimension { get; init; }

    /// <summary>Watches that the encoder reads; of a longer history the newest are used.</summary>
    public required int MaxHistory { get; init; }

    /// <summary>Context fields that the encoder reads, in the order of its <c>context</c> input.</summary>
    public IReadOnlyList<ContextField> ContextFields { get; init; } = [];

    /// <summary>Whether the encoder reads the times between watches, as its input <c>gaps</c>.</summary>
    public bool TimeGaps { get; init; }

    /// <summary>Whether the encoder reads the contexts of watches, as its input <c>history_context</c>; it has context fields then.</summary>
    public bool HistoryContext { get; init; }

    /// <summary>When the package was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Offline metrics, for example <c>test/HR@10</c>.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>The resolved settings of the training run.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Size and checksum of every other file of the package, by file name.</summary>
    public IReadOnlyDictionary<string, FileChecksum> Files { get; init; } = new Dictionary<string, FileChecksum>();

    internal string ToJson() => JsonSerializer.Serialize(this, PackageJson.Default.ModelManifest) + "\n";

    /// <summary>Reads a manifest, of which every name can be one of a directory or of a file in it: nothing that is read, written or copied by it lies elsewhere.</summary>
    /// <exception cref="PackageException">It cannot be read, or has a name that is none.</exception>
    internal static ModelManifest Read(string path)
    {
        var manifest = PackageJson.Read(path, PackageJson.Default.ModelManifest);
        if (!ModelName.IsValid(manifest.Name))
            throw new PackageException(path, $"has the name \"{manifest.Name}\": a name is {ModelName.Rule}");
        if (manifest.Files.Keys.FirstOrDefault(file => !ModelName.IsValid(file)) is { } unfit)
            throw new PackageException(path, $"lists a file \"{unfit}\": a file's name is {ModelName.Rule}");
        return manifest;
    }
}

/// <summary>A field of the request context. Code 0 is "unknown"; <c>Values[i]</c> has code i + 1.</summary>
/// <param name="Key">The key in the request's context map.</param>
/// <param name="Values">The values the model knows.</param>
public sealed record ContextField(string Key, IReadOnlyList<string> Values)
{
    private readonly Lazy<Dictionary<string, int>> _codes =
        new(() => Values.Select((value, i) => (value, i)).ToDictionary(v => v.value, v => v.i + 1, StringComparer.Ordinal));

    /// <summary>The code of a value; 0 if the model does not know it.</summary>
    public int CodeOf(string value) => _codes.Value.GetValueOrDefault(value);

    /// <summary>Same key, same values.</summary>
    public bool Equals(ContextField? other) => other is not null && Key == other.Key && Values.SequenceEqual(other.Values);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Key, Values.Count);
}

/// <summary>Size and SHA-256 of one file.</summary>
/// <param name="Bytes">Length in bytes.</param>
/// <param name="Sha256">Lower-case hexadecimal SHA-256.</param>
public sealed record FileChecksum(long Bytes, string Sha256);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(ModelManifest))]
[JsonSerializable(typeof(GoldenProbe))]
internal sealed partial class PackageJson : JsonSerializerContext
{
    internal static T Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length == 0)
                throw new PackageException(path, "is empty");
            return JsonSerializer.Deserialize(file, type) ?? throw new PackageException(path, "is empty");
        }
        catch (JsonException e)
        {
            throw new PackageException(path, $"is not valid (line {e.LineNumber + 1}): {e.Message}", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new PackageException(path, "is missing", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PackageException(path, $"cannot be read: {e.Message}", e);
        }
    }
}
