using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using RecoServe.Engine;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Server.Services;

namespace RecoServe.Server;

/// <summary>Puts the server together.</summary>
internal static class RecoServeApplication
{
    /// <summary>Builds the server; it loads and listens to nothing yet.</summary>
    /// <param name="settings">Configuration keys and values that go before files and environment.</param>
    /// <exception cref="OptionsValidationException">When an option is first read and out of range.</exception>
    internal static WebApplication Build(IReadOnlyDictionary<string, string?> settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(settings);
        // Standard output is for the banner; logs go where logs are looked for.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        AddOptions(builder);
        builder.Services
            .AddSingleton(TimeProvider.System)
            .AddSingleton<EngineMetrics>()
            .AddSingleton<ServerMetrics>()
            .AddSingleton<ModelRegistry>()
            .AddSingleton<Recommender>()
            .AddSingleton<ModelHealth>();
        builder.Services.AddGrpc(grpc => grpc.Interceptors.Add<StatusInterceptor>());
        builder.Services.AddGrpcReflection();
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(EngineMetrics.MeterName, ServerMetrics.MeterName, "System.Runtime", "Microsoft.AspNetCore.Server.Kestrel")
            .AddPrometheusExporter());
        builder.WebHost.ConfigureKestrel(Listen);

        var app = builder.Build();
        app.MapGrpcService<RecommendationService>();
        app.MapGrpcService<FeedbackService>();
        app.MapGrpcService<ModelService>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcReflectionService();
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.MapGet("/healthz", () => "ok");
        app.MapGet("/readyz", (ModelRegistry registry) => registry.IsReady ? Results.Text("ready") : Results.Text("not ready", statusCode: 503));
        return app;
    }

    private static void AddOptions(WebApplicationBuilder builder)
    {
        Add<ServerOptions>("Server");
        Add<RegistryOptions>("Registry");
        Add<RunnerOptions>("Runner");
        Add<BatcherOptions>("Batcher");

        void Add<T>(string section)
            where T : class
        {
            builder.Services.AddOptions<T>().BindConfiguration(section).ValidateDataAnnotations().ValidateOnStart();
            builder.Services.AddSingleton(services => services.GetRequiredService<IOptions<T>>().Value);
        }
    }

    private static void Listen(WebHostBuilderContext context, KestrelServerOptions kestrel)
    {
        var options = kestrel.ApplicationServices.GetRequiredService<ServerOptions>();
        if (!IPAddress.TryParse(options.Host, out var address))
            throw new OptionsValidationException(nameof(options.Host), typeof(ServerOptions), [$"Server:Host \"{options.Host}\" is not an IP address"]);
        // Callers multiplex: the default of 100 streams would make one busy connection queue in the client.
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1024;
        kestrel.Listen(address, options.Port, listen => listen.Protocols = HttpProtocols.Http2);
        kestrel.Listen(address, options.HttpPort, listen => listen.Protocols = HttpProtocols.Http1);
    }
}
