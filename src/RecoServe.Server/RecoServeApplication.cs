using System.Net;
using Grpc.AspNetCore.Server;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using RecoServe.Engine;
using RecoServe.Engine.Batching;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Traffic;
using RecoServe.Server.Metrics;
using RecoServe.Server.Services;

namespace RecoServe.Server;

/// <summary>Puts the server together.</summary>
internal static class RecoServeApplication
{
    /// <summary>Largest message of all services but that of tensors.</summary>
    internal const int MaxRequestBytes = 4 << 20;

    /// <summary>Builds the server; it loads and listens to nothing yet.</summary>
    /// <param name="settings">Configuration keys and values that go before files and environment.</param>
    /// <exception cref="OptionsValidationException">An option is not known or not valid.</exception>
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
            .AddSingleton<MetricCollector>()
            .AddSingleton<Drain>()
            .AddHostedService(services => services.GetRequiredService<Drain>())
            .AddSingleton<ModelRegistry>()
            .AddSingleton<RepositoryWatcher>()
            .AddSingleton<ModelWriter>()
            .AddSingleton<TrafficWatch>()
            .AddSingleton<Recommender>()
            .AddSingleton(services => ActivatorUtilities.CreateInstance<LoadShedder>(services, () => services.GetRequiredService<Recommender>().FullFor))
            .AddSingleton<RequestMemory>()
            .AddSingleton<TensorInference>()
            .AddSingleton<ModelHealth>();
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxRequestBytes;
            grpc.Interceptors.Add<StatusInterceptor>();
        });
        builder.Services.PostConfigure<GrpcServiceOptions>(grpc =>
            grpc.CompressionProviders = [.. grpc.CompressionProviders.Select(compression => new MeasuredCompression(compression))]);
        builder.Services.Replace(ServiceDescriptor.Singleton(typeof(IServiceMethodProvider<>), typeof(ReadableMethods<>)));
        builder.Services.AddOptions<GrpcServiceOptions<InferenceService>>()
            .Configure<ServerOptions>((grpc, options) => grpc.MaxReceiveMessageSize = options.MaxTensorBytes);
        builder.Services.AddGrpcReflection();
        builder.WebHost.ConfigureKestrel(Listen);

        var app = builder.Build();
        app.Use(app.Services.GetRequiredService<Drain>().InvokeAsync);
        app.Use(app.Services.GetRequiredService<LoadShedder>().InvokeAsync);
        app.Use(app.Services.GetRequiredService<RequestMemory>().InvokeAsync);
        app.MapGrpcService<RecommendationService>();
        app.MapGrpcService<FeedbackService>();
        app.MapGrpcService<ModelService>();
        app.MapGrpcService<InferenceService>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcReflectionService();
        var collector = app.Services.GetRequiredService<MetricCollector>(); // here: it must listen before versions are loaded
        app.MapGet("/metrics", () => Results.Text(collector.Scrape(), MetricCollector.ContentType));
        app.MapGet("/healthz", () => "ok");
        app.MapGet("/readyz", (ModelRegistry registry, Drain drain) => registry.IsReady && !drain.Stopping.IsCancellationRequested ? Results.Text("ready") : Results.Text("not ready", statusCode: 503));
        return app;
    }

    private static void AddOptions(WebApplicationBuilder builder)
    {
        var reader = new OptionsReader(builder.Configuration);
        builder.Services
            .AddSingleton(reader.Read<ServerOptions>("Server"))
            .AddSingleton(reader.Read<RegistryOptions>("Registry", except: "Rollback"))
            .AddSingleton(reader.Read<RollbackOptions>("Registry:Rollback"))
            .AddSingleton(reader.Read<RunnerOptions>("Runner"))
            .AddSingleton(reader.Read<BatcherOptions>("Batcher"))
            .AddSingleton(reader.Read<DegradationOptions>("Degradation"));
        reader.CheckLogging();
        reader.ThrowIfWrong();
    }

    private static void Listen(WebHostBuilderContext context, KestrelServerOptions kestrel)
    {
        var options = kestrel.ApplicationServices.GetRequiredService<ServerOptions>();
        var address = IPAddress.Parse(options.Host);
        // Callers multiplex: the default of 100 streams would make one busy connection queue in the client.
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1024;
        (kestrel.Limits.Http2.KeepAlivePingDelay, kestrel.Limits.Http2.KeepAlivePingTimeout) = (options.KeepAlivePing, options.KeepAlivePing);
        kestrel.Limits.MaxRequestBodySize = null; // messages have limits of their own; past this one calls would end as UNKNOWN
        kestrel.Listen(address, options.Port, listen => listen.Protocols = HttpProtocols.Http2);
        kestrel.Listen(address, options.HttpPort, listen => listen.Protocols = HttpProtocols.Http1);
    }
}
