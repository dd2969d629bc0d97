using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using RecoServe.Engine;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;

namespace RecoServe.Server;

/// <summary>
/// The one place where an exception becomes a gRPC status, and where calls are timed. Services throw; callers never see
/// internal details.
/// </summary>
internal sealed class StatusInterceptor(ServerMetrics metrics, TimeProvider clock, ILogger<StatusInterceptor> log) : Interceptor
{
    private static readonly TimeSpan RetryLater = TimeSpan.FromSeconds(1);

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
            await continuation(requestStream, responseStream, context);
            return true;
        });

    private async Task<T> RunAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        var start = clock.GetTimestamp();
        var status = Grpc.Core.StatusCode.OK;
        try
        {
            return await call();
        }
        catch (Exception e)
        {
            var answer = ToRpcException(e, context);
            status = answer.StatusCode;
            if (status is Grpc.Core.StatusCode.Internal or Grpc.Core.StatusCode.Unknown)
                ServerLog.CallFailed(log, context.Method, e);
            throw answer;
        }
        finally
        {
            metrics.Call(context.Method, status, clock.GetElapsedTime(start));
        }
    }

    private RpcException ToRpcException(Exception exception, ServerCallContext context) => exception switch
    {
        // What the generated base classes throw.
        RpcException { StatusCode: Grpc.Core.StatusCode.Unimplemented, Status.Detail: "" } =>
            Status(Code.Unimplemented, $"{context.Method.TrimStart('/')} is not implemented by this server"),
        RpcException e => e,
        InvalidRequestException e => Status(Code.InvalidArgument, e.Message, new BadRequest
        {
            FieldViolations = { new BadRequest.Types.FieldViolation { Field = e.Field, Description = e.Problem } },
        }),
        ModelNotFoundException e => Status(Code.NotFound, e.Message),
        ModelUnavailableException e => Retry(Code.Unavailable, e.Message, RetryLater),
        OverloadedException e => Retry(Code.ResourceExhausted, e.Message, e.RetryAfter),
        DeadlineExceededException e => Status(Code.DeadlineExceeded, e.Message),
        // The deadline cancels the call's token just as a caller does who goes away.
        OperationCanceledException when clock.GetUtcNow().UtcDateTime >= context.Deadline => Status(Code.DeadlineExceeded, "the deadline passed"),
        PackageException e => Status(Code.FailedPrecondition, e.Message),
        // Services read and write nothing but their caller: it went away, perhaps an instant before the call's token says so.
        OperationCanceledException or IOException => Status(Code.Cancelled, "the caller cancelled the call"),
        // grpc-dotnet's stream reader throws it if it is asked again after the caller went away.
        InvalidOperationException when context.CancellationToken.IsCancellationRequested => Status(Code.Cancelled, "the caller cancelled the call"),
        ModelRunException or InvalidLogitsException => Status(Code.Internal, "the model failed to compute the answer"),
        _ => Status(Code.Internal, "internal error"),
    };

    private static RpcException Status(Code code, string message, params Google.Protobuf.IMessage[] details) =>
        new Google.Rpc.Status { Code = (int)code, Message = message, Details = { details.Select(Any.Pack) } }.ToRpcException();

    private static RpcException Retry(Code code, string message, TimeSpan after)
    {
        var answer = Status(code, message, new RetryInfo { RetryDelay = after.ToDuration() });
        answer.Trailers.Add("grpc-retry-pushback-ms", ((long)after.TotalMilliseconds).ToString(System.Globalization.CultureInfo.InvariantCulture));
        return answer;
    }
}
