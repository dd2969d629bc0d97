using Google.Rpc;
using Grpc.Core;
using RecoServe.Engine;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>recoserve.v1.RecommendationService: checks requests, asks the engine, writes answers.</summary>
internal sealed class RecommendationService(
    Recommender recommender, TimeProvider clock, ILogger<RecommendationService> log)
    : V1.RecommendationService.RecommendationServiceBase
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

    /// <inheritdoc/>
    public override Task RecommendStream(
        IAsyncStreamReader<V1.RecommendStreamRequest> requestStream, IServerStreamWriter<V1.RecommendStreamResponse> responseStream, ServerCallContext context)
    {
        return QuestionStream.AnswerAsync(requestStream, responseStream, AnswerAsync, () => MeasuredBody.Claim(context.GetHttpContext()), context.CancellationToken);

        async Task<V1.RecommendStreamResponse> AnswerAsync(V1.RecommendStreamRequest question)
        {
            var request = question.Request ?? new V1.RecommendRequest();
            var answer = new V1.RecommendStreamResponse { RequestId = request.RequestId };
            if (await ErrorOfAsync(async () => answer.Response = await Recommend(request, context), context) is { } error)
                answer.Error = error;
            return answer;
        }
    }

    /// <inheritdoc/>
    public override Task ScoreStream(
        IAsyncStreamReader<V1.ScoreStreamRequest> requestStream, IServerStreamWriter<V1.ScoreStreamResponse> responseStream, ServerCallContext context)
    {
        return QuestionStream.AnswerAsync(requestStream, responseStream, AnswerAsync, () => MeasuredBody.Claim(context.GetHttpContext()), context.CancellationToken);

        async Task<V1.ScoreStreamResponse> AnswerAsync(V1.ScoreStreamRequest question)
        {
            var request = question.Request ?? new V1.ScoreRequest();
            var answer = new V1.ScoreStreamResponse { RequestId = request.RequestId };
            if (await ErrorOfAsync(async () => answer.Response = await Score(request, context), context) is { } error)
                answer.Error = error;
            return answer;
        }
    }

    /// <summary>What is told in band of a question that cannot be answered; null if it can.</summary>
    private async Task<V1.StreamError?> ErrorOfAsync(Func<Task> answer, ServerCallContext context)
    {
        try
        {
            await answer();
            return null;
        }
        catch (Exception e)
        {
            var status = CallStatus.Of(e, context, clock);
            if (status.StatusCode == StatusCode.Internal) // in band, so that nobody else sees it
                ServerLog.CallFailed(log, context.Method, e);
            var details = status.GetRpcStatus();
            return new V1.StreamError
            {
                Code = (int)status.StatusCode,
                Message = status.Status.Detail,
                Field = details?.GetDetail<BadRequest>()?.FieldViolations.FirstOrDefault()?.Field ?? "",
                RetryAfter = details?.GetDetail<RetryInfo>()?.RetryDelay,
            };
        }
    }
}
