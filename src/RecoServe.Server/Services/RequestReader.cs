using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf.Collections;
using Grpc.Core;
using RecoServe.Engine;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>Checks requests field by field and turns them into the engine's terms.</summary>
/// <remarks>Every method throws <see cref="InvalidRequestException"/> that names the field and what would be right.</remarks>
internal static class RequestReader
{
    internal const int MaxSlateSize = 500;
    internal const int MaxCandidates = 10_000;
    internal const int MaxIds = 100_000;

    private static readonly MapField<string, string> NoContext = [];

    /// <summary>The range of a timestamp, the years 1 to 9999, in seconds from 1970.</summary>
    private const long FirstSecond = -62_135_596_800, LastSecond = 253_402_300_799;

    internal static SlateRequest Read(V1.RecommendRequest request, DateTime deadline)
    {
        if (request.Explain)
            throw Unimplemented("explain");
        if (request.Rules is { } rules && (rules.Boosts.Count > 0 || rules.Quotas.Count > 0 || rules.MaxPer.Count > 0))
            throw Unimplemented("rules");
        var size = request.HasSlateSize ? request.SlateSize : 10;
        Require(size is >= 1 and <= MaxSlateSize, "slate_size", $"must be 1 to {MaxSlateSize}, not {size}");
        var filter = request.Filter ?? new V1.Filter();
        return new SlateRequest
        {
            Model = Read(request.Model),
            TrafficKey = request.UserId.Length > 0 ? request.UserId : request.RequestId,
            History = Read(request.History),
            WatchedAt = ReadTimes(request.History),
            HistoryContext = ReadContexts(request.History),
            Context = request.Context,
            Deadline = ReadDeadline(deadline),
            Priority = Read(request.Priority),
            SlateSize = size,
            Sampling = Read(request.Sampling ?? new V1.Sampling(), request.RequestId, request.UserId),
            ExcludeItemIds = ReadIds(filter.ExcludeItemIds, "filter.exclude_item_ids"),
            IncludeWatched = filter.IncludeWatched,
            CandidateIds = ReadIds(filter.CandidateIds, "filter.candidate_ids"),
            Where = [.. filter.Where.Select(Read)],
        };
    }

    internal static ScoreRequest Read(V1.ScoreRequest request, DateTime deadline)
    {
        var candidates = request.CandidateIds.Count;
        Require(candidates is >= 1 and <= MaxCandidates, "candidate_ids", $"must have 1 to {MaxCandidates} items, not {candidates}");
        return new ScoreRequest
        {
            Model = Read(request.Model),
            TrafficKey = request.UserId.Length > 0 ? request.UserId : request.RequestId,
            History = Read(request.History),
            WatchedAt = ReadTimes(request.History),
            HistoryContext = ReadContexts(request.History),
            Context = request.Context,
            Deadline = ReadDeadline(deadline),
            Priority = Read(request.Priority),
            CandidateIds = ReadIds(request.CandidateIds, "candidate_ids"),
            Normalise = request.Normalise,
        };
    }

    private static ModelSelector Read(V1.ModelSpec? model)
    {
        if (model is null)
            return new ModelSelector("");
        Require(!model.HasVersion || model.Version > 0, "model.version", $"must be above 0, not {model.Version}");
        Require(!model.HasLabel || model.Label.Length > 0, "model.label", "must not be empty");
        return new ModelSelector(model.Name, model.HasVersion ? model.Version : null, model.HasLabel ? model.Label : null);
    }

    private static string[] Read(RepeatedField<V1.Watch> history)
    {
        Require(history.Count <= MaxIds, "history", $"must have at most {MaxIds} watches, not {history.Count}");
        var ids = new string[history.Count];
        for (var i = 0; i < ids.Length; i++)
        {
            var watch = history[i];
            Require(watch.ItemId.Length > 0, $"history[{i}].item_id", "must not be empty");
            Require(
                !watch.HasWatchFraction || (double.IsFinite(watch.WatchFraction) && watch.WatchFraction >= 0),
                $"history[{i}].watch_fraction", $"must be a finite number of 0 or more, not {watch.WatchFraction}");
            ids[i] = watch.ItemId;
        }

        return ids;
    }

    /// <summary>Of a history that has been read; empty where no watch has a time.</summary>
    private static long?[] ReadTimes(RepeatedField<V1.Watch> history)
    {
        if (history.All(watch => watch.WatchedAt is null))
            return [];
        var times = new long?[history.Count];
        for (var i = 0; i < times.Length; i++)
        {
            if (history[i].WatchedAt is { } time)
            {
                Require(time.Seconds is >= FirstSecond and <= LastSecond, $"history[{i}].watched_at", "must be a time from the year 1 to 9999");
                times[i] = (time.Seconds * 1000) + (time.Nanos / 1_000_000);
            }
        }

        return times;
    }

    /// <summary>Of a history that has been read; empty where no watch has one.</summary>
    private static IReadOnlyDictionary<string, string>[] ReadContexts(RepeatedField<V1.Watch> history) =>
        history.All(watch => watch.Context is null) ? [] : [.. history.Select(watch => watch.Context?.Values ?? NoContext)];

    private static RepeatedField<string> ReadIds(RepeatedField<string> ids, string field)
    {
        Require(ids.Count <= MaxIds, field, $"must have at most {MaxIds} items, not {ids.Count}");
        for (var i = 0; i < ids.Count; i++)
            Require(ids[i].Length > 0, $"{field}[{i}]", "must not be empty");
        return ids;
    }

    private static SamplingParameters Read(V1.Sampling sampling, string requestId, string userId)
    {
        var topP = sampling.HasTopP ? sampling.TopP : 0.9;
        var temperature = sampling.HasTemperature ? sampling.Temperature : 1.0;
        // Written so that NaN fails.
        Require(topP is > 0 and <= 1, "sampling.top_p", $"must be in (0, 1], not {topP}");
        Require(SamplingParameters.IsTemperature(temperature), "sampling.temperature", $"must be finite and at least {SamplingParameters.LeastTemperature}, not {temperature}");
        Require(sampling.TopK <= int.MaxValue, "sampling.top_k", $"must be at most {int.MaxValue}, not {sampling.TopK}");
        return new SamplingParameters
        {
            Strategy = sampling.Strategy switch
            {
                V1.SamplingStrategy.Unspecified or V1.SamplingStrategy.Nucleus => SamplingStrategy.Nucleus,
                V1.SamplingStrategy.Greedy => SamplingStrategy.Greedy,
                V1.SamplingStrategy.Full => SamplingStrategy.Full,
                var other => throw new InvalidRequestException("sampling.strategy", $"must be NUCLEUS, GREEDY or FULL, not {(int)other}"),
            },
            TopP = topP,
            Temperature = temperature,
            TopK = (int)sampling.TopK,
            Seed = sampling.HasSeed ? sampling.Seed : SeedOf(requestId.Length > 0 ? requestId : userId),
        };
    }

    /// <summary>The same name gives the same seed on every machine; no name, a fresh one.</summary>
    private static ulong SeedOf(string name)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        if (name.Length > 0)
            SHA256.HashData(Encoding.UTF8.GetBytes(name), bytes);
        else
            RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private static Condition Read(V1.Condition condition, int position)
    {
        Require(condition.Attribute.Length > 0, $"filter.where[{position}].attribute", "must not be empty");
        Require(
            condition.Operator is V1.ComparisonOperator.In or V1.ComparisonOperator.NotIn,
            $"filter.where[{position}].operator", $"must be COMPARISON_OPERATOR_IN or COMPARISON_OPERATOR_NOT_IN, not {(int)condition.Operator}");
        Require(condition.Values.Count > 0, $"filter.where[{position}].values", "must have at least one value");
        return new Condition(condition.Attribute, condition.Values, condition.Operator == V1.ComparisonOperator.NotIn);
    }

    private static RequestPriority Read(V1.Priority priority) => priority switch
    {
        V1.Priority.High => RequestPriority.High,
        V1.Priority.Unspecified or V1.Priority.Normal => RequestPriority.Normal,
        V1.Priority.Low => RequestPriority.Low,
        var other => throw new InvalidRequestException("priority", $"must be HIGH, NORMAL or LOW, not {(int)other}"),
    };

    /// <summary>The deadline of a call; <see cref="DateTimeOffset.MaxValue"/> if it has none.</summary>
    internal static DateTimeOffset ReadDeadline(DateTime deadline) =>
        deadline == DateTime.MaxValue ? DateTimeOffset.MaxValue : new DateTimeOffset(DateTime.SpecifyKind(deadline, DateTimeKind.Utc));

    /// <exception cref="InvalidRequestException">The condition does not hold.</exception>
    internal static void Require(
        bool condition,
        [InterpolatedStringHandlerArgument(nameof(condition))] Problem field,
        [InterpolatedStringHandlerArgument(nameof(condition))] Problem problem)
    {
        if (!condition)
            throw new InvalidRequestException(field.ToString(), problem.ToString());
    }

    private static RpcException Unimplemented(string field) =>
        new(new Status(StatusCode.Unimplemented, $"{field} is not implemented by this server"));
}
