using RecoServe.Engine;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>Turns the engine's answers into messages.</summary>
internal static class ResponseWriter
{
    internal static V1.RecommendResponse Write(V1.RecommendRequest request, SlateRequest asked, Slate slate, Guid recommendationId)
    {
        var response = new V1.RecommendResponse
        {
            RecommendationId = recommendationId.ToString("N"),
            RequestId = request.RequestId,
            ModelName = slate.ComputedBy.Model,
            ModelVersion = slate.ComputedBy.Version,
            ModelLabel = slate.ComputedBy.Label,
            Nucleus = new V1.Nucleus { Size = slate.Nucleus.NucleusSize, Mass = slate.Nucleus.NucleusMass },
            Seed = asked.Sampling.Seed,
            UnknownItemIds = { slate.UnknownItemIds },
            Degraded = new V1.Degraded { Flag = slate.Degraded != Degradation.None, What = slate.Degraded.ToWord() },
        };
        for (var i = 0; i < slate.Items.Count; i++)
            response.Items.Add(Write(slate.Items[i], i + 1));
        if (request.IncludeTimings)
            response.Timings = Write(slate.Timings);
        return response;
    }

    internal static V1.ScoreResponse Write(V1.ScoreRequest request, Scores scores)
    {
        var response = new V1.ScoreResponse
        {
            RequestId = request.RequestId,
            ModelName = scores.ComputedBy.Model,
            ModelVersion = scores.ComputedBy.Version,
            ModelLabel = scores.ComputedBy.Label,
            UnknownItemIds = { scores.UnknownItemIds },
        };
        foreach (var score in scores.Items)
        {
            var item = new V1.ScoredItem { ItemId = score.ItemId, Logit = score.Logit };
            if (score.LogProbability is { } logProbability)
                item.LogProbability = logProbability;
            response.Items.Add(item);
        }

        if (request.IncludeTimings)
            response.Timings = Write(scores.Timings);
        return response;
    }

    private static V1.RecommendedItem Write(in SlateItem item, int rank) => new()
    {
        ItemId = item.ItemId,
        Rank = rank,
        Logit = item.Slot.Logit,
        Probability = item.Slot.Probability,
        Propensity = item.Slot.Propensity,
        GreedyFill = item.Slot.GreedyFill,
        Title = item.Title,
    };

    private static V1.Timings Write(in AnswerTimings timings) => new()
    {
        QueueUs = Microseconds(timings.Row.Queue),
        BatchUs = Microseconds(timings.Row.Batch),
        EncodeUs = Microseconds(timings.Row.Encode),
        ScoreUs = Microseconds(timings.Row.Score),
        SampleUs = Microseconds(timings.Sample),
        BatchSize = timings.Row.BatchSize,
    };

    private static long Microseconds(TimeSpan time) => (long)time.TotalMicroseconds;
}
