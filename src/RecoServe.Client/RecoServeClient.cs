using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using RecoServe.Contracts.V1;

namespace RecoServe.Client;

/// <summary>
/// A channel to RecoServe with deadlines, retries and load balancing set up. Thread-safe; keep one for the life of the
/// process.
/// </summary>
public sealed class RecoServeClient : IDisposable
{
    private readonly GrpcChannel _channel;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;

    /// <summary>Creates the channel; connects with the first call.</summary>
    public RecoServeClient(RecoServeClientOptions options, TimeProvider? clock = null)
    {
        (_timeout, _clock) = (options.Timeout, clock ?? TimeProvider.System);
        _channel = GrpcChannel.ForAddress(options.Address, new GrpcChannelOptions
        {
            Credentials = options.Address.Scheme == Uri.UriSchemeHttps ? ChannelCredentials.SecureSsl : ChannelCredentials.Insecure,
            // One connection carries a limited number of calls at a time; past that, open another instead of queueing.
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
            DisposeHttpClient = true,
            ServiceConfig = new ServiceConfig { LoadBalancingConfigs = { new RoundRobinConfig() }, MethodConfigs = { Retries(options.MaxAttempts) } },
        });
        Recommendations = new RecommendationService.RecommendationServiceClient(_channel);
        Models = new ModelService.ModelServiceClient(_channel);
    }

    /// <summary>Every method of the service, without default deadline: streams, and calls with metadata or a deadline of their own.</summary>
    public RecommendationService.RecommendationServiceClient Recommendations { get; }

    /// <summary>The registry's methods, without default deadline: loading a model takes as long as it takes.</summary>
    public ModelService.ModelServiceClient Models { get; }

    /// <summary>Asks for one slate.</summary>
    /// <exception cref="RpcException">As the contract's table of statuses says.</exception>
    public async Task<RecommendResponse> RecommendAsync(RecommendRequest request, CancellationToken cancellationToken = default) =>
        await Recommendations.RecommendAsync(request, Call(cancellationToken));

    /// <summary>Asks for the scores of given items.</summary>
    /// <exception cref="RpcException">As the contract's table of statuses says.</exception>
    public async Task<ScoreResponse> ScoreAsync(ScoreRequest request, CancellationToken cancellationToken = default) =>
        await Recommendations.ScoreAsync(request, Call(cancellationToken));

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private CallOptions Call(CancellationToken cancellationToken) =>
        new(deadline: (_clock.GetUtcNow() + _timeout).UtcDateTime, cancellationToken: cancellationToken);

    private static MethodConfig Retries(int attempts) => attempts == 1
        ? new MethodConfig { Names = { MethodName.Default } }
        : new MethodConfig
        {
            Names = { MethodName.Default },
            RetryPolicy = new RetryPolicy
            {
                MaxAttempts = attempts,
                InitialBackoff = TimeSpan.FromMilliseconds(20),
                MaxBackoff = TimeSpan.FromMilliseconds(500),
                BackoffMultiplier = 2,
                RetryableStatusCodes = { StatusCode.Unavailable, StatusCode.ResourceExhausted },
            },
        };
}
