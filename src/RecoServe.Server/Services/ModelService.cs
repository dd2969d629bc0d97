using Grpc.Core;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using static RecoServe.Server.Services.RequestReader;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>recoserve.v1.ModelService: which versions there are, and which of them answer.</summary>
internal sealed class ModelService(ModelRegistry registry, ModelWriter writer, Drain drain) : V1.ModelService.ModelServiceBase
{
    /// <inheritdoc/>
    public override Task<V1.ListModelsResponse> ListModels(V1.ListModelsRequest request, ServerCallContext context) =>
        Task.FromResult(new V1.ListModelsResponse { Models = { writer.WriteAll() } });

    /// <inheritdoc/>
    public override Task<V1.GetModelResponse> GetModel(V1.GetModelRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        return Task.FromResult(new V1.GetModelResponse { Model = writer.Write(request.Name) });
    }

    /// <inheritdoc/>
    public override async Task<V1.LoadVersionResponse> LoadVersion(V1.LoadVersionRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        Require(request.Version > 0, "version", $"must be above 0, not {request.Version}");
        return new V1.LoadVersionResponse { Version = writer.Write(await registry.LoadAsync(request.Name, request.Version, context.CancellationToken)) };
    }

    /// <inheritdoc/>
    public override async Task<V1.UnloadVersionResponse> UnloadVersion(V1.UnloadVersionRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        Require(request.Version > 0, "version", $"must be above 0, not {request.Version}");
        var unloaded = registry.UnloadAsync(request.Name, request.Version);
        // The caller may go away; the version drains all the same.
        return new V1.UnloadVersionResponse { Version = writer.Write(await unloaded.WaitAsync(context.CancellationToken)) };
    }

    /// <inheritdoc/>
    public override Task<V1.SetLabelResponse> SetLabel(V1.SetLabelRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        Require(ModelName.IsValid(request.Label), "label", $"must be {ModelName.Rule}, not \"{request.Label}\"");
        Require(request.Version >= 0, "version", $"must be above 0, or 0 to take the label away, not {request.Version}");
        registry.Traffic.SetLabel(request.Name, request.Label, request.Version > 0 ? request.Version : null);
        return Task.FromResult(new V1.SetLabelResponse { Model = writer.Write(request.Name) });
    }

    /// <inheritdoc/>
    public override Task<V1.SetTrafficResponse> SetTraffic(V1.SetTrafficRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        RequirePercent(request.CanaryPercent, "canary_percent");
        RequirePercent(request.Shadow?.Percent ?? 0, "shadow.percent");
        Require(request.Shadow is not { Version: < 0 }, "shadow.version", $"must be above 0, or 0 for none, not {request.Shadow?.Version}");
        registry.Traffic.Set(request.Name, traffic =>
        {
            if (request.HasCanaryPercent)
                traffic = traffic with { CanaryPercent = request.CanaryPercent };
            return request.Shadow is not { } shadow ? traffic : traffic with
            {
                ShadowVersion = shadow.Version > 0 ? shadow.Version : null,
                ShadowPercent = shadow.Version > 0 ? shadow.Percent : 0,
            };
        });
        return Task.FromResult(new V1.SetTrafficResponse { Model = writer.Write(request.Name) });
    }

    /// <inheritdoc/>
    public override async Task<V1.RollBackResponse> RollBack(V1.RollBackRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        var label = request.Label.Length > 0 ? request.Label : Labels.Stable;
        await registry.Traffic.RollBackAsync(request.Name, label, "on demand", context.CancellationToken);
        return new V1.RollBackResponse { Model = writer.Write(request.Name) };
    }

    /// <inheritdoc/>
    public override async Task<V1.ReloadRepositoryResponse> ReloadRepository(V1.ReloadRepositoryRequest request, ServerCallContext context)
    {
        var outcomes = await registry.ReloadAsync(context.CancellationToken);
        return new V1.ReloadRepositoryResponse { Models = { writer.WriteAll() }, Versions = { outcomes.Select(ModelWriter.Write) } };
    }

    /// <inheritdoc/>
    public override async Task WatchModels(V1.WatchModelsRequest request, IServerStreamWriter<V1.WatchModelsResponse> responseStream, ServerCallContext context)
    {
        // A watch never ends by itself: without this it would hold up the server's shutdown.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, drain.Stopping);
        using var changes = new ModelChanges(registry, writer, request.Name);
        try
        {
            await foreach (var change in changes.ReadAllAsync(ending.Token))
                await responseStream.WriteAsync(change, context.CancellationToken);
        }
        catch (OperationCanceledException) when (drain.Stopping.IsCancellationRequested)
        {
            throw new ServerStoppingException();
        }
    }

    private static void RequireName(string name) => Require(name.Length > 0, "name", "must not be empty");

    // Written so that NaN fails.
    private static void RequirePercent(double percent, string field) => Require(percent is >= 0 and <= 100, field, $"must be 0 to 100, not {percent}");
}
