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

    /// <summary>Reads the file; all is default if there is none.</summary>
    /// <exception cref="PackageException">Names the file and what is wrong.</exception>
    internal static GraphConfig Read(string directory)
    {
        var path = Path.Combine(directory, GraphFiles.Config);
        if (!File.Exists(path))
            return new GraphConfig();
        var config = PackageJson.Read(path, GraphConfigJson.Default.GraphConfig);
        Require(config.MaxBatchSize, 0, 1024, "max_batch_size");
        Require(config.MaxQueueDelayMicroseconds, 0, 1_000_000, "max_queue_delay_microseconds");
        Require(config.MaxQueueSize, 1, 65_536, "max_queue_size");
        Require(config.Instances, 1, 64, "instances");
        return config;

        void Require(long? value, long least, long most, string key)
        {
            if (value < least || value > most)
                throw new PackageException(path, $"says \"{key}\": {value}; it must be {least} to {most}");
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(GraphConfig))]
internal sealed partial class GraphConfigJson : JsonSerializerContext;
