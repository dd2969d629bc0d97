using Grpc.Core;
using Grpc.Core.Interceptors;

namespace RecoServe.Server;

/// <summary>
/// Gives every call that fails its status (<see cref="CallStatus"/>), times calls, and ends streams of requests once the server is
/// stopping. Services throw; callers never see internal details.
/// </summary>
internal sealed class StatusInterceptor(
    ServerMetrics metrics, Drain drain, TimeProvider clock, ILogger<StatusInterceptor> log) : Interceptor
{
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(context, () => continuation(request, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(context, async () =>
        {
            await continuation(request, responseStream, context);
            return true;
        });

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(context, () => continuation(requestStream, context));

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation) =>
        RunAsync(context, async () =>
        {
            await continuation(new StoppingReader<TRequest>(requestStream, drain.Stopping), responseStream, context);
            return true;
        });

    private async Task<T> RunAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        var start = clock.GetTimestamp();
        var status = StatusCode.OK;
        try
        {
            return await call();
        }
        catch (Exception e)
        {
            var answer = CallStatus.Of(e, context, clock);
            status = answer.StatusCode;
            if (status is StatusCode.Internal or StatusCode.Unknown)
                ServerLog.CallFailed(log, context.Method, e);
            throw answer;
        }
        finally
        {
            metrics.Call(context.Method, status, clock.GetElapsedTime(start));
        }
    }
}
