using Grpc.Core;
using RecoServe.Engine;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>recoserve.v1.RecommendationService: checks requests, asks the engine, writes answers.</summary>
internal sealed class RecommendationService(Recommender recommender, TimeProvider clock) : V1.RecommendationService.RecommendationServiceBase
{
    /// <inheritdoc/>
    public override async Task<V1.RecommendResponse> Recommend(V1.RecommendRequest request, ServerCallContext context)
    {
        var slateRequest = RequestReader.Read(request, context.Deadline);
        var slate = await recommender.RecommendAsync(slateRequest, context.CancellationToken);
        return ResponseWriter.Write(request, slateRequest, slate, Guid.CreateVersion7(clock.GetUtcNow()));
    }

    /// <inheritdoc/>
    public override async Task<V1.ScoreResponse> Score(V1.ScoreRequest request, ServerCallContext context)
    {
        var scores = await recommender.ScoreAsync(RequestReader.Read(request, context.Deadline), context.CancellationToken);
        return ResponseWriter.Write(request, scores);
    }
}
