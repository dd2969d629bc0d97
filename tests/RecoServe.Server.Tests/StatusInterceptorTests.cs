using Grpc.Core;
using Microsoft.Extensions.Hosting;
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
        using var lifetime = new Lifetime();
        var interceptor = new StatusInterceptor(metrics, lifetime, TimeProvider.System, NullLogger<StatusInterceptor>.Instance);
        var call = interceptor.DuplexStreamingServerHandler<object, object>(
            null!, null!, new Call(new CancellationToken(gone)), (_, _, _) => throw new InvalidOperationException("the request is complete"));
        Assert.Equal(expected, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
    }

    [Fact]
    public async Task Call_ServerIsStopping_IsUnavailableAndToldWhenToRetry()
    {
        using var metrics = new ServerMetrics();
        using var lifetime = new Lifetime();
        lifetime.StopApplication();
        var interceptor = new StatusInterceptor(metrics, lifetime, TimeProvider.System, NullLogger<StatusInterceptor>.Instance);
        var e = await Assert.ThrowsAsync<RpcException>(
            () => interceptor.UnaryServerHandler<object, object>(new object(), new Call(default), (request, _) => Task.FromResult(request)));
        Assert.Equal((StatusCode.Unavailable, "1000"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopped => default;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
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
