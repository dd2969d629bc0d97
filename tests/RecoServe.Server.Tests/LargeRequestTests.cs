using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

/// <summary>A caller begins to send a large request and stops halfway: it holds the memory that there is for such.</summary>
public sealed class LargeRequestTests : IAsyncLifetime
{
    private const int Length = 200_000;
    private const long Memory = 16 * Length;

    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RunningServer _server = null!;
    private RecommendationService.RecommendationServiceClient _client = null!;
    private HttpClient _http = null!;
    private Task _stalled = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(settings: ("Server:LargeRequestMemory", $"{Memory}"));
        _client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        _http = new HttpClient();
        var body = new HalfMessage(Length, _goOn.Task);
        _stalled = _http.SendAsync(new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(_server.GrpcAddress), "/recoserve.v1.RecommendationService/Recommend"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        }, Token);
        await body.Begun.WaitAsync(Token);
        await HeldAsync(Memory);
    }

    public async ValueTask DisposeAsync()
    {
        _goOn.TrySetResult();
        await _stalled;
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Recommend_Large_IsRefusedUntilThereIsMemory()
    {
        Assert.Equal(StatusCode.ResourceExhausted, await StatusOfAsync(Request(watches: 2000)));
        Assert.Equal(StatusCode.OK, await StatusOfAsync(Request(watches: 100)));
        _goOn.SetResult();
        await _stalled;
        await HeldAsync(0);
        Assert.Equal(StatusCode.OK, await StatusOfAsync(Request(watches: 2000)));
        await HeldAsync(0);
    }

    [Fact]
    public async Task RecommendStream_LargeQuestion_EndsItUntilThereIsMemory()
    {
        using (var refused = _client.RecommendStream(cancellationToken: Token))
        {
            await refused.RequestStream.WriteAsync(Question(watches: 100), Token);
            Assert.True(await refused.ResponseStream.MoveNext(Token));
            await refused.RequestStream.WriteAsync(Question(watches: 2000), Token);
            var e = await Assert.ThrowsAsync<RpcException>(() => refused.ResponseStream.MoveNext(Token));
            Assert.Equal((StatusCode.ResourceExhausted, "100"), (e.StatusCode, e.Trailers.GetValue("grpc-retry-pushback-ms")));
        }

        _goOn.SetResult();
        await HeldAsync(0);
        using var call = _client.RecommendStream(cancellationToken: Token);
        for (var i = 0; i < 10; i++) // together five times the memory
            await call.RequestStream.WriteAsync(Question(watches: 8000), Token);
        await call.RequestStream.CompleteAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.True(await call.ResponseStream.MoveNext(Token));
            Assert.Equal(10, call.ResponseStream.Current.Response.Items.Count);
        }

        Assert.False(await call.ResponseStream.MoveNext(Token));
        await HeldAsync(0);
    }

    private static RecommendStreamRequest Question(int watches) => new() { Request = Request(watches) };

    private static RecommendRequest Request(int watches) => new()
    {
        History = { Enumerable.Range(0, watches).Select(i => new Watch { ItemId = $"unknown{i % 10}" }) },
    };

    /// <summary>Comes back when so much is held: bytes are on their way, and memory is given back after the answer.</summary>
    private async Task HeldAsync(long bytes)
    {
        var memory = _server.App.Services.GetRequiredService<RequestMemory>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (memory.Held != bytes)
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, patience.Token);
    }

    private async Task<StatusCode> StatusOfAsync(RecommendRequest request)
    {
        try
        {
            await _client.RecommendAsync(request, cancellationToken: Token);
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    /// <summary>A request with empty watches, of which the second half is sent later.</summary>
    private sealed class HalfMessage : HttpContent
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly int _length;
        private readonly Task _goOn;

        internal HalfMessage(int length, Task goOn)
        {
            (_length, _goOn) = (length, goOn);
            Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        }

        internal Task Begun => _begun.Task;

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var header = new byte[5];
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(1), _length);
            await stream.WriteAsync(header, Token);
            await stream.WriteAsync(Watches(_length / 2), Token);
            await stream.FlushAsync(Token);
            _begun.SetResult();
            await _goOn;
            await stream.WriteAsync(Watches(_length / 2), Token);
        }

        private static byte[] Watches(int bytes) => [.. Enumerable.Range(0, bytes).Select(i => i % 2 == 0 ? (byte)0x22 : (byte)0)];

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
