using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace RecoServe.Server.Tests;

public sealed class StatusInterceptorTests
{
    [Theory]
    [InlineData(true, StatusCode.Cancelled)]
    [InlineData(false, StatusCode.Internal)]
    public async Task Stream_IsReadAgainAfterItsEnd_IsCancelledIfTheCallerIsGone(bool gone, StatusCode expected)
    {
        using var metrics = new ServerMetrics();
        using var drain = new Drain(new ServerOptions { DrainTime = TimeSpan.Zero }, TimeProvider.System);
        var interceptor = new StatusInterceptor(metrics, drain, TimeProvider.System, NullLogger<StatusInterceptor>.Instance);
        var call = interceptor.DuplexStreamingServerHandler<object, object>(
            null!, null!, new Call(new CancellationToken(gone)), (_, _, _) => throw new InvalidOperationException("the request is complete"));
        Assert.Equal(expected, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
    }

    /// <summary>No call on any wire: what the interceptor asks of one.</summary>
    private sealed class Call(CancellationToken token) : ServerCallContext
    {
        protected override string MethodCore => "/test/Test";

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore => [];

        protected override CancellationToken CancellationTokenCore => token;

        protected override Metadata ResponseTrailersCore => [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore => new("", []);

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) => throw new NotSupportedException();

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
    }
}
