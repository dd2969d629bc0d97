using System.Globalization;
using RecoServe.Contracts.Inference;
using RecoServe.Engine;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;

namespace RecoServe.Server.Services;

/// <summary>Tells of versions in the words of the Open Inference Protocol.</summary>
internal static class InferenceModelWriter
{
    private const string Platform = "onnxruntime_onnx";

    internal static ModelMetadataResponse Metadata(ModelVersion version, IEnumerable<ModelVersion> serving) => new()
    {
        Name = version.Name,
        Versions = { serving.Select(v => Text(v.Version)) },
        Platform = Platform,
        Inputs = { version.Signature!.Inputs.Select(Write) },
        Outputs = { version.Signature.Outputs.Select(Write) },
    };

    internal static ModelConfig Config(ModelVersion version)
    {
        var signature = version.Signature!;
        return new ModelConfig
        {
            Name = version.Name,
            Platform = Platform,
            Backend = "onnxruntime",
            MaxBatchSize = signature.MaxBatchSize,
            Input = { signature.Inputs.Select(t => new ModelInput { Name = t.Name, DataType = TensorTypes.CodeOf(t.Type), Dims = { Dims(t) } }) },
            Output = { signature.Outputs.Select(t => new ModelOutput { Name = t.Name, DataType = TensorTypes.CodeOf(t.Type), Dims = { Dims(t) } }) },
            InstanceGroup = { new ModelInstanceGroup { Count = signature.Instances } },
            DynamicBatching = signature.IsBatched
                ? new ModelDynamicBatching { MaxQueueDelayMicroseconds = (ulong)signature.MaxQueueDelay.TotalMicroseconds }
                : null,
        };

        IEnumerable<long> Dims(TensorSpec tensor) => tensor.Shape.Skip(signature.IsBatched ? 1 : 0);
    }

    internal static ModelStatistics Statistics(ModelVersion version)
    {
        var (statistics, batches) = (version.Statistics, version.Statistics.Batches);
        return new ModelStatistics
        {
            Name = version.Name,
            Version = Text(version.Version),
            LastInference = (ulong)(statistics.LastAnswer?.ToUnixTimeMilliseconds() ?? 0),
            InferenceCount = (ulong)batches.Sum(b => b.Key * b.Value.Count),
            ExecutionCount = (ulong)batches.Sum(b => b.Value.Count),
            InferenceStats = new InferStatistics
            {
                Success = Duration(statistics.Success),
                Fail = Duration(statistics.Fail),
                Queue = Duration(statistics.Queue),
                ComputeInput = new StatisticDuration(),
                ComputeInfer = new StatisticDuration
                {
                    Count = (ulong)batches.Sum(b => b.Key * b.Value.Count),
                    Ns = Nanoseconds(batches.Aggregate(TimeSpan.Zero, (sum, b) => sum + (b.Key * b.Value.Total))),
                },
                ComputeOutput = new StatisticDuration(),
            },
            BatchStats =
            {
                batches.Select(b => new InferBatchStatistics
                {
                    BatchSize = (ulong)b.Key,
                    ComputeInput = new StatisticDuration(),
                    ComputeInfer = Duration(b.Value),
                    ComputeOutput = new StatisticDuration(),
                }),
            },
        };
    }

    internal static RepositoryIndexResponse.Types.ModelIndex Index(string name, long version, ModelVersion? loaded) => new()
    {
        Name = name,
        Version = Text(version),
        State = loaded?.State switch
        {
            VersionState.Loading or VersionState.Warming => "LOADING",
            VersionState.Serving => "READY",
            VersionState.Draining => "UNLOADING",
            _ => "UNAVAILABLE",
        },
        Reason = loaded is null ? "not loaded" : loaded.State == VersionState.Unloaded ? "unloaded" : loaded.Failure ?? "",
    };

    private static ModelMetadataResponse.Types.TensorMetadata Write(TensorSpec tensor) =>
        new() { Name = tensor.Name, Datatype = TensorData.NameOf(tensor.Type), Shape = { tensor.Shape } };

    private static StatisticDuration Duration(DurationSum sum) => new() { Count = (ulong)sum.Count, Ns = Nanoseconds(sum.Total) };

    private static ulong Nanoseconds(TimeSpan time) => (ulong)time.Ticks * 100;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
