using System.Net;
using System.Net.Sockets;
using RecoServe.Contracts.V1;

namespace RecoServe.Server.Tests;

public sealed class KeepAliveTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connection_PeerVanished_EndsWhileOthersStay()
    {
        await using var server = await RunningServer.StartAsync(settings: ("Server:KeepAlivePing", "00:00:01"));
        using var watch = new ModelService.ModelServiceClient(server.Channel).WatchModels(new WatchModelsRequest(), cancellationToken: Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));
        var next = watch.ResponseStream.MoveNext(Token);

        // It says hello, as HTTP/2 begins, and then nothing, whatever it is asked.
        using var vanished = new TcpClient();
        var address = new Uri(server.GrpcAddress);
        await vanished.ConnectAsync(IPAddress.Parse(address.Host), address.Port, Token);
        var stream = vanished.GetStream();
        await stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"u8.ToArray(), Token);
        await stream.CopyToAsync(Stream.Null, Token).WaitAsync(TimeSpan.FromMinutes(1), Token);

        Assert.False(next.IsCompleted);
    }
}
