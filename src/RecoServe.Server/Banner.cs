using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server.Features;
using RecoServe.Engine;
using RecoServe.Engine.Registry;

namespace RecoServe.Server;

/// <summary>What the server prints when it is ready: where it listens and a request to paste.</summary>
internal static class Banner
{
    internal static void Print(WebApplication app, TextWriter output)
    {
        var registry = app.Services.GetRequiredService<ModelRegistry>();
        var addresses = app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        output.WriteLine($"recoserve {CommandLine.Version} is ready");
        foreach (var (name, versions) in registry.Models)
        {
            foreach (var version in versions.Where(v => v.State == VersionState.Serving))
                output.WriteLine($"  model    {name} version {version.Version}, {version.Summary}");
        }

        if (registry.DefaultModel.Length == 0)
            output.WriteLine("  default  none: requests must name a model (or start with --default-model NAME)");
        if (app.Services.GetRequiredService<DegradationOptions>().Model is { Length: > 0 } smaller && !IsServed(registry, smaller))
            output.WriteLine($"  warning  Degradation:Model {smaller} is not served: until it is, that step is left out");
        output.WriteLine($"  gRPC     {addresses[0]}");
        output.WriteLine($"  HTTP     {addresses[1]}/metrics /healthz /readyz");
        output.WriteLine("  try      " + Example(registry, addresses[0]));
        output.Flush();
    }

    private static bool IsServed(ModelRegistry registry, string name) =>
        registry.Models.TryGetValue(name, out var versions) && versions.Any(v => v is { State: VersionState.Serving, Package: not null });

    /// <summary>A request for a history that a model's own golden probe holds; if there is none but plain graphs, what to ask of one.</summary>
    private static string Example(ModelRegistry registry, string address)
    {
        var authority = new Uri(address).Authority;
        var serving = registry.Models.Values.SelectMany(v => v).Where(v => v.State == VersionState.Serving).ToArray();
        if (serving.FirstOrDefault(v => v.Package is not null) is not { Package: { } package, Name: var name })
            return $"grpcurl -plaintext -d '{JsonSerializer.Serialize(new { name = serving[0].Name })}' {authority} inference.GRPCInferenceService/ModelMetadata";
        var probe = package.Probe.Cases.OrderBy(c => Math.Abs(c.History.Count - 4)).First();
        var request = new
        {
            model = new { name },
            history = probe.History.TakeLast(4).Select(id => new { item_id = id }),
            context = probe.Context,
            slate_size = 5,
        };
        return $"grpcurl -plaintext -d '{JsonSerializer.Serialize(request)}' {authority} recoserve.v1.RecommendationService/Recommend";
    }
}
