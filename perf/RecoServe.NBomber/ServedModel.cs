using Grpc.Core;
using Grpc.Net.Client;
using RecoServe.Contracts.V1;
using RecoServe.Engine.Packages;
using RecoServe.LoadGenerator;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.NBomber;

/// <summary>A server of this program's own, and calls to it.</summary>
internal sealed class ServedModel : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    private readonly TargetProcess _process;
    private readonly GrpcChannel _channel;
    private readonly RecommendationService.RecommendationServiceClient _client;
    private readonly ModelService.ModelServiceClient _models;
    private readonly TemporaryDirectory? _twins;

    private ServedModel(TargetProcess process, ModelPackage package, TemporaryDirectory? twins)
    {
        (_process, Package, _twins) = (process, package, twins);
        _channel = GrpcChannel.ForAddress(process.Address, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
            DisposeHttpClient = true,
        });
        (_client, _models) = (new(_channel), new(_channel));
    }

    /// <summary>The model that is asked.</summary>
    internal ModelPackage Package { get; }

    /// <summary>Starts a server.</summary>
    /// <param name="program">The recoserve program.</param>
    /// <param name="repository">With one model.</param>
    /// <param name="twice">Whether to serve a copy of the repository with the model as version 1 and 2.</param>
    internal static async Task<ServedModel> StartAsync(string program, string repository, bool twice)
    {
        var package = NewestModel.Open(repository);
        var twins = twice ? new TemporaryDirectory() : null;
        if (twins is not null)
            Models.Twins(package, twins.Path);
        string[] arguments = ["--models", twins?.Path ?? repository, "--port", "0", "--http-port", "0", "--Logging:LogLevel:Default", "Warning"];
        return new ServedModel(await TargetProcess.StartAsync(program, arguments, TimeProvider.System), package, twins);
    }

    /// <summary>One call; its status.</summary>
    internal async Task<StatusCode> CallAsync(RecommendRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await _client.RecommendAsync(request, deadline: TimeProvider.System.GetUtcNow().UtcDateTime + Deadline, cancellationToken: cancellationToken);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    /// <summary>Loads one version and unloads the other.</summary>
    internal async Task SwapAsync(long next)
    {
        var name = Package.Manifest.Name;
        await _models.LoadVersionAsync(new LoadVersionRequest { Name = name, Version = next });
        await _models.UnloadVersionAsync(new UnloadVersionRequest { Name = name, Version = 3 - next });
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _process.DisposeAsync();
        _twins?.Dispose();
    }
}
