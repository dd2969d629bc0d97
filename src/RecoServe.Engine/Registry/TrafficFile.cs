using System.Text.Json;
using System.Text.Json.Serialization;
using RecoServe.Engine.Packages;

namespace RecoServe.Engine.Registry;

/// <summary>A model's <c>traffic.json</c>. A <see cref="WholeFile"/>.</summary>
internal static class TrafficFile
{
    internal const string Name = "traffic.json";

    /// <summary>Beside it; who has it open may read and write, and no other server.</summary>
    private const string Turn = ".traffic.lock";

    /// <summary>Others hold it while they write a small file.</summary>
    private static readonly TimeSpan LongestTurn = TimeSpan.FromSeconds(10);

    /// <summary>EAGAIN of Linux and of macOS, and Windows' ERROR_SHARING_VIOLATION.</summary>
    private static readonly int[] IsHeld = [11, 35, unchecked((int)0x80070020)];

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

    /// <summary>
    /// Waits until no other server reads or writes the file, and keeps them waiting until disposed. It ends with the process, however that ends. A file
    /// system without locks has no turns.
    /// </summary>
    /// <exception cref="PackageException">Another has it for too long, or there can be none.</exception>
    internal static IDisposable TakeTurn(string path)
    {
        FileStream? turn = null;
        try
        {
            if (SpinWait.SpinUntil(() => TryOpen(Path.Combine(Path.GetDirectoryName(path)!, Turn), out turn), LongestTurn))
                return turn!;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(path, e.Message, e);
        }

        throw NotWritten(path, $"another server has held {Turn} for {LongestTurn.TotalSeconds} s");
    }

    /// <summary>As it is written: of equal settings the same.</summary>
    internal static string TextOf(ModelTraffic traffic) => JsonSerializer.Serialize(traffic, TrafficJson.Default.ModelTraffic);

    /// <summary>Replaces the file; it is on disk when this returns.</summary>
    /// <returns>Its text.</returns>
    /// <exception cref="PackageException">It cannot be written; the old one is as it was.</exception>
    internal static string Write(string path, ModelTraffic traffic)
    {
        try
        {
            var text = TextOf(traffic);
            WholeFile.Write(path, text);
            return text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(path, e.Message, e);
        }
    }

    private static bool TryOpen(string path, out FileStream? turn)
    {
        try
        {
            turn = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return true;
        }
        catch (IOException e) when (IsHeld.Contains(e.HResult))
        {
            turn = null;
            return false;
        }
    }

    private static PackageException NotWritten(string path, string why, Exception? cause = null) =>
        new(path, $"cannot be written, so nothing was changed: {why}", cause);
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ModelTraffic))]
internal sealed partial class TrafficJson : JsonSerializerContext;
