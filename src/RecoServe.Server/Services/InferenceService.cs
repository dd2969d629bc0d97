using System.Globalization;
using Grpc.Core;
using RecoServe.Contracts.Inference;
using RecoServe.Engine;
using RecoServe.Engine.Registry;
using static RecoServe.Server.Services.RequestReader;

namespace RecoServe.Server.Services;

/// <summary>inference.GRPCInferenceService: the Open Inference Protocol, for packages and plain ONNX graphs alike.</summary>
internal sealed class InferenceService(ModelRegistry registry, TensorInference inference, RequestMemory memory, Drain drain, TimeProvider clock)
    : GRPCInferenceService.GRPCInferenceServiceBase
{
    private static readonly string[] Extensions = ["model_repository", "model_configuration", "statistics", "binary_tensor_data"];

    /// <inheritdoc/>
    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    /// <inheritdoc/>
    public override Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerReadyResponse { Ready = registry.IsReady && !drain.Stopping.IsCancellationRequested });

    /// <inheritdoc/>
    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context)
    {
        RequireName(request.Name, "name");
        var version = ReadVersion(request.Version, "version");
        return Task.FromResult(new ModelReadyResponse { Ready = Serving(request.Name).Any(v => version is null || v.Version == version) });
    }

    /// <inheritdoc/>
    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerMetadataResponse { Name = "recoserve", Version = CommandLine.Version, Extensions = { Extensions } });

    /// <inheritdoc/>
    public override Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context)
    {
        RequireName(request.Name, "name");
        return Task.FromResult(InferenceModelWriter.Metadata(Find(request.Name, request.Version), Serving(request.Name)));
    }

    /// <inheritdoc/>
    public override Task<ModelConfigResponse> ModelConfig(ModelConfigRequest request, ServerCallContext context)
    {
        RequireName(request.Name, "name");
        return Task.FromResult(new ModelConfigResponse { Config = InferenceModelWriter.Config(Find(request.Name, request.Version)) });
    }

    /// <inheritdoc/>
    public override async Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
    {
        RequireName(request.ModelName, "model_name");
        foreach (var output in request.Outputs)
        {
            if (output.Parameters.Keys.FirstOrDefault(k => k is "classification" or "shared_memory_region") is { } refused)
                throw new InvalidRequestException($"outputs[{output.Name}]", $"asks for {refused}, which this server does not have");
        }

        var wantsTimings = InferenceParameters.WantsTimings(request);
        var answer = new AnswerMemory(context.GetHttpContext(), memory);
        var result = await inference.InferAsync(
            new InferRequest(
                new ModelSelector(request.ModelName, ReadVersion(request.ModelVersion, "model_version")),
                TensorReader.Read(request), [.. request.Outputs.Select(o => o.Name)],
                InferenceParameters.Deadline(request, context.Deadline, clock), InferenceParameters.Priority(request), request.Id, answer.Take),
            context.CancellationToken);
        return TensorWriter.Write(request, result, wantsTimings);
    }

    /// <inheritdoc/>
    public override Task<ModelStatisticsResponse> ModelStatistics(ModelStatisticsRequest request, ServerCallContext context)
    {
        var version = ReadVersion(request.Version, "version");
        var models = request.Name.Length == 0 ? registry.Models.Keys : [request.Name];
        var found = models.SelectMany(Serving).Where(v => version is null || v.Version == version).ToArray();
        if (found.Length == 0 && request.Name.Length > 0)
            throw new ModelNotFoundException(version is null ? $"no version of model \"{request.Name}\" serves" : $"no version {version} of model \"{request.Name}\" serves");
        return Task.FromResult(new ModelStatisticsResponse { ModelStats = { found.Select(InferenceModelWriter.Statistics) } });
    }

    /// <inheritdoc/>
    public override async Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context)
    {
        RequireRepository(request.RepositoryName);
        // What is ready is here, even while a bucket is away.
        var models = request.Ready ? [] : await registry.ListRepositoryAsync(context.CancellationToken);
        var stored = models.SelectMany(m => m.Complete.Select(v => (m.Name, Version: v)));
        var known = registry.Models.SelectMany(m => m.Value.Select(v => (Name: m.Key, v.Version)));
        var index = stored.Union(known).OrderBy(v => v.Name, StringComparer.Ordinal).ThenByDescending(v => v.Version)
            .Select(v => InferenceModelWriter.Index(v.Name, v.Version, Latest(v.Name, v.Version)))
            .Where(v => !request.Ready || v.State == "READY");
        return new RepositoryIndexResponse { Models = { index } };
    }

    /// <inheritdoc/>
    public override async Task<RepositoryModelLoadResponse> RepositoryModelLoad(RepositoryModelLoadRequest request, ServerCallContext context)
    {
        RequireRepository(request.RepositoryName);
        RequireName(request.ModelName, "model_name");
        if (request.Parameters.Keys.FirstOrDefault() is { } parameter)
            throw new InvalidRequestException($"parameters[{parameter}]", "is not accepted: configuration and files come from the repository");
        var model = (await registry.ListRepositoryAsync(context.CancellationToken)).FirstOrDefault(m => m.Name == request.ModelName);
        if (model is not { Complete: [var newest, ..] })
            throw new ModelNotFoundException($"the repository has no complete version of model \"{request.ModelName}\"");
        var rolledBack = registry.Traffic.Of(model.Name).RolledBack;
        var version = model.Complete.FirstOrDefault(v => !rolledBack.ContainsKey(v));
        if (version == 0)
            throw new ModelStateException($"version {newest} of model \"{model.Name}\" was rolled back ({rolledBack[newest]}), and there is no other: load it by recoserve.v1.ModelService.LoadVersion");
        await registry.LoadAsync(model.Name, version, context.CancellationToken);
        return new RepositoryModelLoadResponse();
    }

    /// <inheritdoc/>
    public override async Task<RepositoryModelUnloadResponse> RepositoryModelUnload(RepositoryModelUnloadRequest request, ServerCallContext context)
    {
        RequireRepository(request.RepositoryName);
        RequireName(request.ModelName, "model_name");
        var serving = Serving(request.ModelName).ToArray();
        if (serving.Length == 0)
            throw new ModelNotFoundException($"no version of model \"{request.ModelName}\" serves");
        if (registry.Traffic.Of(request.ModelName).Labels.FirstOrDefault(l => serving.Any(v => v.Version == l.Value)) is { Key: { } label, Value: var holder })
            throw new ModelStateException($"the label \"{label}\" points at version {holder} of model \"{request.ModelName}\": take it away first; nothing was unloaded");
        // The caller may go away; the versions drain all the same.
        await Task.WhenAll(serving.Select(v => registry.UnloadAsync(v.Name, v.Version))).WaitAsync(context.CancellationToken);
        return new RepositoryModelUnloadResponse();
    }

    private IEnumerable<ModelVersion> Serving(string name) =>
        registry.Models.TryGetValue(name, out var versions) ? versions.Where(v => v.State == VersionState.Serving) : [];

    private ModelVersion? Latest(string name, long version) =>
        registry.Models.TryGetValue(name, out var versions) ? versions.Where(v => v.Version == version).OrderByDescending(v => v.State == VersionState.Serving).FirstOrDefault() : null;

    private ModelVersion Find(string name, string version) => registry.FindAnswering(new ModelSelector(name, ReadVersion(version, "version")));

    private static long? ReadVersion(string version, string field)
    {
        if (version.Length == 0)
            return null;
        return long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new InvalidRequestException(field, $"must be a number above 0, or empty, not \"{version}\"");
    }

    private static void RequireName(string name, string field) => Require(name.Length > 0, field, "must not be empty");

    private static void RequireRepository(string name) =>
        Require(name.Length == 0, "repository_name", $"must be empty, not \"{name}\": there is one repository");
}
