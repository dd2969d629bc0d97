using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

/// <summary>A caller begins to send a large request and stops halfway: it holds the room that there is for such.</summary>
public sealed class LargeRequestTests : IAsyncLifetime
{
    private const int Room = 200_000;

    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RunningServer _server = null!;
    private RecommendationService.RecommendationServiceClient _client = null!;
    private HttpClient _http = null!;
    private Task _stalled = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(settings: ("Server:LargeRequestBytes", $"{Room}"));
        _client = new RecommendationService.RecommendationServiceClient(_server.Channel);
        _http = new HttpClient();
        var body = new HalfMessage(Room, _goOn.Task);
        _stalled = _http.SendAsync(new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(_server.GrpcAddress), "/recoserve.v1.RecommendationService/Recommend"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        }, Token);
        await body.Begun.WaitAsync(Token);
        var memory = _server.App.Services.GetRequiredService<RequestMemory>();
        while (memory.Free > 0)
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Token); // its first bytes are on their way
    }

    public async ValueTask DisposeAsync()
    {
        _goOn.TrySetResult();
        await _stalled;
        _http.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Recommend_Large_IsRefusedUntilThereIsRoom()
    {
        Assert.Equal(StatusCode.ResourceExhausted, await StatusOfAsync(Request(watches: 2000)));
        Assert.Equal(StatusCode.OK, await StatusOfAsync(Request(watches: 100)));
        _goOn.SetResult();
        await _stalled;
        Assert.Equal(StatusCode.OK, await StatusOfAsync(Request(watches: 2000)));
    }

    [Fact]
    public async Task RecommendStream_LargeQuestion_WaitsForRoom()
    {
        using var call = _client.RecommendStream(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new RecommendStreamRequest { Request = Request(watches: 100) }, Token);
        Assert.True(await call.ResponseStream.MoveNext(Token));
        for (var i = 0; i < 10; i++) // ten times 60,000 bytes
            await call.RequestStream.WriteAsync(new RecommendStreamRequest { Request = Request(watches: 5000) }, Token);
        await call.RequestStream.CompleteAsync();
        var next = call.ResponseStream.MoveNext(Token);
        Assert.Equal(StatusCode.OK, await StatusOfAsync(Request(watches: 100)));
        Assert.False(next.IsCompleted);
        _goOn.SetResult();
        for (var i = 0; i < 10; i++, next = call.ResponseStream.MoveNext(Token))
        {
            Assert.True(await next);
            Assert.Equal(10, call.ResponseStream.Current.Response.Items.Count);
        }

        Assert.False(await next);
        await _stalled;
        Assert.Equal(StatusCode.OK, await StatusOfAsync(Request(watches: 2000))); // and nothing is held
        Assert.Equal(StatusCode.OK, await StatusOfAsync(Request(watches: 16_000)));
    }

    private static RecommendRequest Request(int watches) => new()
    {
        History = { Enumerable.Range(0, watches).Select(i => new Watch { ItemId = $"unknown{i % 10}" }) },
    };

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

    /// <summary>A message of zeros, of which the second half is sent later.</summary>
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
            await stream.WriteAsync(new byte[_length / 2], Token);
            await stream.FlushAsync(Token);
            _begun.SetResult();
            await _goOn;
            await stream.WriteAsync(new byte[_length - (_length / 2)], Token);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
