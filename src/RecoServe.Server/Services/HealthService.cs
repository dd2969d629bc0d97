using Grpc.Core;
using RecoServe.Contracts.Health.V1;

namespace RecoServe.Server.Services;

/// <summary>grpc.health.v1.Health: Check, List, Watch.</summary>
internal sealed class HealthService(ModelHealth health, Drain drain) : Health.HealthBase
{
    /// <summary>The bound that the protocol sets for List.</summary>
    private const int MaxListed = 100;

    /// <inheritdoc/>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        health.StatusOf(request.Service) is { } status
            ? Task.FromResult(new HealthCheckResponse { Status = status })
            : throw new RpcException(new Status(StatusCode.NotFound, $"there is no service \"{request.Service}\""));

    /// <inheritdoc/>
    public override Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context)
    {
        var response = new HealthListResponse();
        foreach (var (service, status) in health.All())
            response.Statuses[service] = new HealthCheckResponse { Status = status };
        return response.Statuses.Count <= MaxListed
            ? Task.FromResult(response)
            : throw new RpcException(new Status(StatusCode.ResourceExhausted, $"there are more than {MaxListed} services: ask for each with Check"));
    }

    /// <inheritdoc/>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        // A watch never ends by itself: without this it would hold up the server's shutdown.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Stopping);
        try
        {
            await foreach (var status in health.WatchAsync(request.Service, ending.Token))
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status }, context.CancellationToken);
        }
        catch (OperationCanceledException) when (drain.Stopping.IsCancellationRequested)
        {
            throw new ServerStoppingException();
        }
    }
}
