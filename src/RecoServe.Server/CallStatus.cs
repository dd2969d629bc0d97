using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using RecoServe.Engine;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
using RecoServe.Engine.Stores;

namespace RecoServe.Server;

/// <summary>The one place where an exception becomes a gRPC status.</summary>
internal static class CallStatus
{
    /// <summary>The trailer that tells a client's retry policy how long to wait, in milliseconds.</summary>
    private const string RetryPushback = "grpc-retry-pushback-ms";

    private static readonly TimeSpan RetryLater = TimeSpan.FromSeconds(1);

    /// <summary>What the caller is told.</summary>
    /// <param name="exception">What went wrong.</param>
    /// <param name="context">The call.</param>
    /// <param name="clock">Tells whether the call's deadline has passed.</param>
    internal static RpcException Of(Exception exception, ServerCallContext context, TimeProvider clock) => exception switch
    {
        // What the generated base classes throw.
        RpcException { StatusCode: StatusCode.Unimplemented, Status.Detail: "" } =>
            Status(Code.Unimplemented, $"{context.Method.TrimStart('/')} is not implemented by this server"),
        RpcException e => e,
        InvalidRequestException e => Status(Code.InvalidArgument, e.Message, new BadRequest
        {
            FieldViolations = { new BadRequest.Types.FieldViolation { Field = e.Field, Description = e.Problem } },
        }),
        ModelNotFoundException e => Status(Code.NotFound, e.Message),
        ServerStoppingException => Stopping,
        ModelUnavailableException e => Retry(Code.Unavailable, e.Message, RetryLater),
        OverloadedException e => Retry(Code.ResourceExhausted, e.Message, e.RetryAfter),
        AnswerMemoryException e => Retry(Code.ResourceExhausted, e.Message, e.RetryAfter),
        DeadlineExceededException e => Status(Code.DeadlineExceeded, e.Message),
        // The deadline cancels the call's token just as a caller does who goes away.
        OperationCanceledException when clock.GetUtcNow().UtcDateTime >= context.Deadline => Status(Code.DeadlineExceeded, "the deadline passed"),
        StoreUnavailableException e => Retry(Code.Unavailable, e.Message, RetryLater),
        PackageException or ModelStateException => Status(Code.FailedPrecondition, exception.Message),
        ModelMemoryException e => DoNotRetry(Code.ResourceExhausted, e.Message),
        // Services read and write nothing but their caller: it went away, perhaps an instant before the call's token says so.
        OperationCanceledException or IOException => Status(Code.Cancelled, "the caller cancelled the call"),
        // grpc-dotnet's stream reader throws it if it is asked again after the caller went away.
        InvalidOperationException when context.CancellationToken.IsCancellationRequested => Status(Code.Cancelled, "the caller cancelled the call"),
        ModelRunException or InvalidLogitsException => Status(Code.Internal, "the model failed to compute the answer"),
        _ => Status(Code.Internal, "internal error"),
    };

    /// <summary>What callers are told while the server stops.</summary>
    internal static RpcException Stopping => Retry(Code.Unavailable, "the server is shutting down", RetryLater);

    /// <summary>Whether a request is a gRPC call.</summary>
    internal static bool IsCall(Microsoft.AspNetCore.Http.HttpRequest request) =>
        request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Answers a call with nothing but a status, before gRPC has it.</summary>
    internal static void Answer(Microsoft.AspNetCore.Http.HttpResponse response, RpcException status)
    {
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = status.Status.Detail;
        foreach (var trailer in status.Trailers)
            response.Headers[trailer.Key] = trailer.IsBinary ? Convert.ToBase64String(trailer.ValueBytes) : trailer.Value;
    }

    /// <summary>A status, and what explains it.</summary>
    internal static RpcException Status(Code code, string message, params Google.Protobuf.IMessage[] details) =>
        new Google.Rpc.Status { Code = (int)code, Message = message, Details = { details.Select(Any.Pack) } }.ToRpcException();

    /// <summary>A status that would often be retried, and should not be: only an operator can change it.</summary>
    private static RpcException DoNotRetry(Code code, string message)
    {
        var answer = Status(code, message);
        answer.Trailers.Add(RetryPushback, "-1");
        return answer;
    }

    /// <summary>A status with the hints when to come again.</summary>
    internal static RpcException Retry(Code code, string message, TimeSpan after)
    {
        var answer = Status(code, message, new RetryInfo { RetryDelay = after.ToDuration() });
        answer.Trailers.Add(RetryPushback, Math.Ceiling(after.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        return answer;
    }
}
