using RecoServe.Contracts.Inference;
using RecoServe.Engine;

namespace RecoServe.Server.Services;

/// <summary>The parameters of a request: priority and timeout, as Triton's clients send them, and whether the answer shall have its timings.</summary>
internal static class InferenceParameters
{
    /// <exception cref="InvalidRequestException">It is none of 0…3.</exception>
    internal static RequestPriority Priority(ModelInferRequest request) => Read(request, "priority") switch
    {
        null or 0 or 2 => RequestPriority.Normal,
        1 => RequestPriority.High,
        3 => RequestPriority.Low,
        var other => throw new InvalidRequestException("parameters[priority]", $"must be 0 (the default), 1 (high), 2 (normal) or 3 (low), not {other}"),
    };

    /// <summary>The earlier of the call's deadline and the timeout, which is in microseconds; 0: none.</summary>
    /// <exception cref="InvalidRequestException">It is negative.</exception>
    internal static DateTimeOffset Deadline(ModelInferRequest request, DateTime ofCall, TimeProvider clock)
    {
        var deadline = RequestReader.ReadDeadline(ofCall);
        var timeout = Read(request, "timeout") ?? 0;
        if (timeout < 0)
            throw new InvalidRequestException("parameters[timeout]", $"must be microseconds, 0 or more, not {timeout}");
        if (timeout == 0)
            return deadline;
        var left = TimeSpan.FromMicroseconds((double)Math.Min(timeout, (decimal)TimeSpan.FromDays(1).TotalMicroseconds));
        var timeoutAt = clock.GetUtcNow() + left;
        return timeoutAt < deadline ? timeoutAt : deadline;
    }

    /// <exception cref="InvalidRequestException">It is not a bool.</exception>
    internal static bool WantsTimings(ModelInferRequest request)
    {
        if (!request.Parameters.TryGetValue("timings", out var parameter))
            return false;
        return parameter.HasBoolParam ? parameter.BoolParam : throw new InvalidRequestException("parameters[timings]", "must be a bool");
    }

    private static decimal? Read(ModelInferRequest request, string name)
    {
        if (!request.Parameters.TryGetValue(name, out var parameter))
            return null;
        return parameter.ParameterChoiceCase switch
        {
            InferParameter.ParameterChoiceOneofCase.Int64Param => parameter.Int64Param,
            InferParameter.ParameterChoiceOneofCase.Uint64Param => parameter.Uint64Param,
            _ => throw new InvalidRequestException($"parameters[{name}]", "must be an integer"),
        };
    }
}
