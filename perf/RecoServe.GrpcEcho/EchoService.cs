using Grpc.Core;
using RecoServe.Contracts.V1;

namespace RecoServe.GrpcEcho;

/// <summary>Reads every request and writes the same answer: what gRPC alone costs.</summary>
/// <param name="answer">The answer, serialised anew for each call as a server's is.</param>
internal sealed class EchoService(RecommendResponse answer) : RecommendationService.RecommendationServiceBase
{
    /// <inheritdoc/>
    public override Task<RecommendResponse> Recommend(RecommendRequest request, ServerCallContext context) => Task.FromResult(answer);
}
