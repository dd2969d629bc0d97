using System.Threading.Channels;
using RecoServe.Contracts.Health.V1;
using RecoServe.Contracts.Inference;
using RecoServe.Engine.Registry;
using ServingStatus = RecoServe.Contracts.Health.V1.HealthCheckResponse.Types.ServingStatus;
using V1 = RecoServe.Contracts.V1;

namespace RecoServe.Server;

/// <summary>
/// Health of the whole server (""), of each gRPC service that is built, and of each model as <c>model/&lt;name&gt;</c>: the server is
/// serving while any model has a version that serves, a model while it has one.
/// </summary>
internal sealed class ModelHealth(ModelRegistry registry)
{
    private static readonly string[] Services =
        ["", V1.RecommendationService.Descriptor.FullName, V1.ModelService.Descriptor.FullName, GRPCInferenceService.Descriptor.FullName, Health.Descriptor.FullName];

    /// <summary>The status of a service; null if there is none of that name.</summary>
    internal ServingStatus? StatusOf(string service)
    {
        if (service.Length == 0)
            return ToStatus(registry.IsReady);
        if (Services.Contains(service))
            return ServingStatus.Serving;
        return service.StartsWith("model/", StringComparison.Ordinal) && registry.Models.TryGetValue(service["model/".Length..], out var versions)
            ? ToStatus(versions.Any(v => v.State == VersionState.Serving))
            : null;
    }

    /// <summary>The status of every service.</summary>
    internal IEnumerable<(string Service, ServingStatus Status)> All() =>
        Services.Concat(registry.Models.Keys.Select(m => $"model/{m}")).Select(s => (s, StatusOf(s)!.Value));

    /// <summary>The status of a service now and after every change; <see cref="ServingStatus.ServiceUnknown"/> while there is none of that name.</summary>
    internal async IAsyncEnumerable<ServingStatus> WatchAsync(
        string service, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Only that something changed is kept, so a slow watcher costs one entry.
        var changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        void OnChanged(ModelVersion version) => changes.Writer.TryWrite(true);
        registry.Changed += OnChanged;
        try
        {
            ServingStatus? told = null;
            do
            {
                var now = StatusOf(service) ?? ServingStatus.ServiceUnknown;
                if (now != told)
                    yield return now;
                told = now;
            }
            while (await changes.Reader.ReadAsync(cancellationToken));
        }
        finally
        {
            registry.Changed -= OnChanged;
        }
    }

    private static ServingStatus ToStatus(bool serving) => serving ? ServingStatus.Serving : ServingStatus.NotServing;
}
