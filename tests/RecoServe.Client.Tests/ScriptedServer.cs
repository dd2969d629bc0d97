using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RecoServe.Contracts.V1;

namespace RecoServe.Client.Tests;

/// <summary>A server on loopback whose answers are a script: it can fail, hold calls and count them.</summary>
internal sealed class ScriptedServer : RecommendationService.RecommendationServiceBase, IAsyncDisposable
{
    private readonly Func<int, ServerCallContext, Task> _script;
    private readonly WebApplication _app;
    private int _calls;

    private ScriptedServer(Func<int, ServerCallContext, Task> script)
    {
        _script = script;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(this);
        _app = builder.Build();
        _app.MapGrpcService<ScriptedServer>();
    }

    internal Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>Calls that have arrived.</summary>
    internal int Calls => Volatile.Read(ref _calls);

    /// <param name="script">Gets the number of the call, from 1; throws what the client shall see.</param>
    internal static async Task<ScriptedServer> StartAsync(Func<int, ServerCallContext, Task> script)
    {
        var server = new ScriptedServer(script);
        await server._app.StartAsync();
        return server;
    }

    public override async Task<RecommendResponse> Recommend(RecommendRequest request, ServerCallContext context)
    {
        await _script(Interlocked.Increment(ref _calls), context);
        return new RecommendResponse();
    }

    public override async Task<ScoreResponse> Score(ScoreRequest request, ServerCallContext context)
    {
        await _script(Interlocked.Increment(ref _calls), context);
        return new ScoreResponse();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
