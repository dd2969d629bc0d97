using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server.Features;
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
                output.WriteLine($"  model    {name} version {version.Version}, {version.Package!.Manifest.ItemCount} items");
        }

        if (registry.DefaultModel.Length == 0)
            output.WriteLine("  default  none: requests must name a model (or start with --default-model NAME)");
        output.WriteLine($"  gRPC     {addresses[0]}");
        output.WriteLine($"  HTTP     {addresses[1]}/metrics /healthz /readyz");
        output.WriteLine("  try      " + Example(registry, addresses[0]));
        output.Flush();
    }

    /// <summary>A request for a history that the model's own golden probe holds.</summary>
    private static string Example(ModelRegistry registry, string address)
    {
        var (name, versions) = registry.Models.First();
        var probe = versions.First(v => v.State == VersionState.Serving).Package!.Probe.Cases.OrderBy(c => Math.Abs(c.History.Count - 4)).First();
        var request = new
        {
            model = new { name },
            history = probe.History.TakeLast(4).Select(id => new { item_id = id }),
            context = probe.Context,
            slate_size = 5,
        };
        var authority = new Uri(address).Authority;
        return $"grpcurl -plaintext -d '{JsonSerializer.Serialize(request)}' {authority} recoserve.v1.RecommendationService/Recommend";
    }
}
