using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using RecoServe.Engine.Registry;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>The real server in this process, on free ports, with its own repository.</summary>
public sealed class RunningServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningServer(WebApplication app, TemporaryDirectory repository)
    {
        (_app, Repository) = (app, repository);
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        (GrpcAddress, HttpAddress) = (addresses[0], new Uri(addresses[1]));
        Channel = GrpcChannel.ForAddress(GrpcAddress);
    }

    internal string GrpcAddress { get; }

    internal Uri HttpAddress { get; }

    internal GrpcChannel Channel { get; }

    internal TemporaryDirectory Repository { get; }

    internal ModelRegistry Registry => _app.Services.GetRequiredService<ModelRegistry>();

    internal WebApplication App => _app;

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Repository.Dispose();
    }

    internal static async Task<RunningServer> StartAsync(Action<string>? publish = null, params (string Key, string Value)[] settings)
    {
        var repository = new TemporaryDirectory();
        (publish ?? (r => new TestModel().Publish(r)))(repository.Path);
        var configuration = new Dictionary<string, string?>
        {
            ["Registry:Repository"] = repository.Path,
            ["Server:Port"] = "0",
            ["Server:HttpPort"] = "0",
            ["Server:DrainTime"] = "00:00:00",
            ["Logging:LogLevel:Default"] = "None",
        };
        foreach (var (key, value) in settings)
            configuration[key] = value;
        var app = RecoServeApplication.Build(configuration);
        await app.Services.GetRequiredService<ModelRegistry>().LoadRepositoryAsync(CancellationToken.None);
        await app.StartAsync();
        return new RunningServer(app, repository);
    }
}
