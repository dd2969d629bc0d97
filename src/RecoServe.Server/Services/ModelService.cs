using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using RecoServe.Engine;
using RecoServe.Engine.Registry;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server.Services;

/// <summary>recoserve.v1.ModelService: lists, loads and unloads. Labels, reload and watching are not built yet: UNIMPLEMENTED.</summary>
internal sealed class ModelService(ModelRegistry registry) : V1.ModelService.ModelServiceBase
{
    /// <inheritdoc/>
    public override Task<V1.ListModelsResponse> ListModels(V1.ListModelsRequest request, ServerCallContext context) =>
        Task.FromResult(new V1.ListModelsResponse { Models = { registry.Models.Select(m => Write(m.Key, m.Value)) } });

    /// <inheritdoc/>
    public override Task<V1.GetModelResponse> GetModel(V1.GetModelRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        return registry.Models.TryGetValue(request.Name, out var versions)
            ? Task.FromResult(new V1.GetModelResponse { Model = Write(request.Name, versions) })
            : throw new ModelNotFoundException($"there is no model \"{request.Name}\"; there is: {string.Join(", ", registry.Models.Keys)}");
    }

    /// <inheritdoc/>
    public override async Task<V1.LoadVersionResponse> LoadVersion(V1.LoadVersionRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        RequireVersion(request.Version);
        return new V1.LoadVersionResponse { Version = Write(await registry.LoadAsync(request.Name, request.Version, context.CancellationToken)) };
    }

    /// <inheritdoc/>
    public override async Task<V1.UnloadVersionResponse> UnloadVersion(V1.UnloadVersionRequest request, ServerCallContext context)
    {
        RequireName(request.Name);
        RequireVersion(request.Version);
        var unloaded = registry.UnloadAsync(request.Name, request.Version);
        // The caller may go away; the version drains all the same.
        return new V1.UnloadVersionResponse { Version = Write(await unloaded.WaitAsync(context.CancellationToken)) };
    }

    private static void RequireName(string name)
    {
        if (name.Length == 0)
            throw new InvalidRequestException("name", "must not be empty");
    }

    private static void RequireVersion(long version)
    {
        if (version <= 0)
            throw new InvalidRequestException("version", $"must be above 0, not {version}");
    }

    private V1.Model Write(string name, IEnumerable<ModelVersion> versions) =>
        new() { Name = name, Versions = { versions.Select(Write) }, Default = name == registry.DefaultModel };

    private static V1.ModelVersion Write(ModelVersion version)
    {
        var message = new V1.ModelVersion
        {
            Version = version.Version,
            State = (V1.VersionState)version.State,
            Failure = version.Failure ?? "",
        };
        if (version.Package is not { Manifest: var manifest, Catalogue: var catalogue })
            return message;
        message.ItemCount = manifest.ItemCount;
        message.Dimension = manifest.Dimension;
        message.MaxHistory = manifest.MaxHistory;
        message.ContextFields.Add(manifest.ContextFields.Select(f => new V1.ContextField { Key = f.Key, Values = { f.Values } }));
        message.Attributes.Add(catalogue.Attributes.Keys);
        message.Metrics.Add(manifest.Metrics.ToDictionary());
        message.CreatedAt = manifest.CreatedAt.ToTimestamp();
        message.Network = manifest.Network;
        return message;
    }
}
