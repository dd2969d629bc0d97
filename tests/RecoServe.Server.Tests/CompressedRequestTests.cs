using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

/// <summary>Messages that are short on the way and long once they are inflated.</summary>
public sealed class CompressedRequestTests : IAsyncLifetime
{
    private const string Recommend = "/recoserve.v1.RecommendationService/Recommend";
    private const string ModelInfer = "/inference.GRPCInferenceService/ModelInfer";

    private RunningServer _server = null!;
    private HttpClient _http = null!;

    private RequestMemory Memory => _server.App.Services.GetRequiredService<RequestMemory>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync(settings: ("Server:LargeRequestMemory", $"{4 << 20}"));
        _http = new HttpClient();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _server.DisposeAsync();
    }

    /// <summary>A gigabyte in one of a megabyte.</summary>
    [Theory]
    [InlineData("gzip", Recommend)]
    [InlineData("deflate", Recommend)]
    [InlineData("gzip", ModelInfer)]
    public async Task Send_InflatesBeyondTheLargest_IsRefused(string encoding, string method)
    {
        var (status, _) = await SendAsync(method, encoding, Compress(encoding, Enumerable.Repeat(new byte[1 << 20], 1024)));
        Assert.Equal(StatusCode.ResourceExhausted, status);
        Assert.True(SpinWait.SpinUntil(() => Memory.Held == 0, TimeSpan.FromSeconds(30)), "memory was not given back");
    }

    /// <summary>A thousandth of it is sent: by that it would be small.</summary>
    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Send_InflatesToMoreThanThereIsMemoryFor_IsRefusedUntilThereIs(string encoding)
    {
        var body = Compress(encoding, [new RecommendRequest { UserId = new string('u', 1 << 20) }.ToByteArray()]);
        Assert.InRange(body.Length, 0, 10_000);
        using (Memory.Take(1))
        {
            var (status, message) = await SendAsync(Recommend, encoding, body);
            Assert.Equal((StatusCode.ResourceExhausted, "the server has no memory for a request of this size at present"), (status, message));
            Assert.True(SpinWait.SpinUntil(() => Memory.Held == 1, TimeSpan.FromSeconds(30)), "memory was not given back");
        }

        Assert.NotEqual(StatusCode.ResourceExhausted, (await SendAsync(Recommend, encoding, body)).Status);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Send_LongWatches_AreAnswered(string encoding)
    {
        var request = new RecommendRequest { History = { Enumerable.Range(0, 5000).Select(i => new Watch { ItemId = $"unknown{i % 10}" }) } };
        var (status, message) = await SendAsync(Recommend, encoding, Compress(encoding, [request.ToByteArray()]));
        Assert.Equal((StatusCode.OK, ""), (status, message));
    }

    private static byte[] Compress(string encoding, IEnumerable<byte[]> parts)
    {
        using var to = new MemoryStream();
        using (Stream stream = encoding == "gzip" ? new GZipStream(to, CompressionLevel.Optimal, leaveOpen: true) : new ZLibStream(to, CompressionLevel.Optimal, leaveOpen: true))
        {
            foreach (var part in parts)
                stream.Write(part);
        }

        return to.ToArray();
    }

    private async Task<(StatusCode Status, string Message)> SendAsync(string method, string encoding, byte[] message)
    {
        var body = new byte[5 + message.Length];
        body[0] = 1;
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), message.Length);
        message.CopyTo(body, 5);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(_server.GrpcAddress), method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.Add("grpc-encoding", encoding);
        using var response = await _http.SendAsync(request, Token);
        await response.Content.ReadAsByteArrayAsync(Token);
        string? Header(string name) => response.TrailingHeaders.Concat(response.Headers).FirstOrDefault(h => h.Key == name).Value?.Single();
        return ((StatusCode)int.Parse(Header("grpc-status")!), Uri.UnescapeDataString(Header("grpc-message") ?? ""));
    }
}
