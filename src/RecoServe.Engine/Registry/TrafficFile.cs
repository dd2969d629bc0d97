using System.Text.Json;
using System.Text.Json.Serialization;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>A model's <c>traffic.json</c>. A <see cref="WholeFile"/>.</summary>
internal static class TrafficFile
{
    internal const string Name = "traffic.json";

    /// <summary>Reads the file; nothing is set if there is none.</summary>
    /// <exception cref="PackageException">The file cannot be read; or names the line that is not valid.</exception>
    internal static ModelTraffic Read(string path)
    {
        if (ReadIfThere(path)?.Complete() is not { } traffic)
            return ModelTraffic.None;
        if (traffic.Labels.FirstOrDefault(l => !ModelName.IsValid(l.Key) || l.Value <= 0) is { Key: not null } wrong)
            throw new PackageException(path, $"points the label \"{wrong.Key}\" at version {wrong.Value}: a label is {ModelName.Rule}, a version above 0");
        if (traffic is { ShadowPercent: >= 0 and <= 100, CanaryPercent: null or (>= 0 and <= 100) })
            return traffic;
        throw new PackageException(path, "must have percentages from 0 to 100");
    }

    /// <summary>Not File.Exists: it says no as well of what may not be read, and labels would be lost without a word.</summary>
    private static ModelTraffic? ReadIfThere(string path)
    {
        try
        {
            return PackageJson.Read(path, TrafficJson.Default.ModelTraffic);
        }
        catch (PackageException e) when (e.InnerException is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Replaces the file; it is on disk when this returns.</summary>
    /// <exception cref="PackageException">It cannot be written; the old one is as it was.</exception>
    internal static void Write(string path, ModelTraffic traffic)
    {
        try
        {
            WholeFile.Write(path, file => JsonSerializer.Serialize(file, traffic, TrafficJson.Default.ModelTraffic));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PackageException(path, $"cannot be written, so nothing was changed: {e.Message}", e);
        }
    }
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ModelTraffic))]
internal sealed partial class TrafficJson : JsonSerializerContext;
