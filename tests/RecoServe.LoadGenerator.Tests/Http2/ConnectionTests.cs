using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using RecoServe.LoadGenerator.Http2;

namespace RecoServe.LoadGenerator.Tests.Http2;

/// <summary>The connection against a socket that does what a server should not. Against a real server: TargetTests and ScenarioTests.</summary>
public sealed class ConnectionTests : IDisposable
{
    private static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly List<IDisposable> _open = [];

    public ConnectionTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public void Dispose()
    {
        foreach (var open in _open)
            open.Dispose();
        _listener.Dispose();
    }

    /// <summary>What the scenario slow-client stands on: the server comes to a point at which it can write no more.</summary>
    [Fact]
    public async Task Open_DoesNotRead_ServerCannotWrite()
    {
        var (_, server) = await OpenAsync(reads: false);
        server.Blocking = false;
        var chunk = new byte[1 << 16];
        var written = 0L;
        SocketError error;
        do
            written += server.Send(chunk, SocketFlags.None, out error);
        while (error == SocketError.Success && written < 64 << 20);
        Assert.Equal(SocketError.WouldBlock, error);
    }

    [Fact]
    public async Task Call_DoesNotRead_EndsWithTheConnection()
    {
        var (connection, _) = await OpenAsync(reads: false);
        var call = connection.CallAsync(new byte[10], Token);
        Assert.False(call.IsCompleted);
        connection.Dispose();
        Assert.Equal(StatusCode.Unavailable, (await call).Status);
    }

    [Fact]
    public async Task Call_ServerClosesTheConnection_IsUnavailable()
    {
        var (connection, server) = await OpenAsync();
        var call = connection.CallAsync(new byte[10], Token);
        server.Dispose();
        Assert.Equal(StatusCode.Unavailable, (await call).Status);
        Assert.Equal(StatusCode.Unavailable, (await connection.CallAsync(new byte[10], Token)).Status);
    }

    [Fact]
    public async Task Call_MoreThanTheServerLetsBeUnderWay_IsRefusedAtOnce()
    {
        var (connection, _) = await OpenAsync(settings: [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2]); // two streams at a time
        var calls = Enumerable.Range(0, 3).Select(_ => connection.CallAsync(new byte[10], Token)).ToArray();
        Assert.Equal([false, false, true], calls.Select(c => c.IsCompleted));
        Assert.Equal(StatusCode.Unavailable, (await calls[2]).Status);
    }

    [Fact]
    public async Task Call_Cancelled_ResetsTheStream()
    {
        var (connection, server) = await OpenAsync();
        using var leaves = new CancellationTokenSource();
        var call = connection.CallAsync(new byte[10], leaves.Token);
        await leaves.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await call).Status);
        byte[] reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];
        var (received, count) = (new byte[1 << 12], 0);
        while (!received.AsSpan(0, count).EndsWith(reset))
            count += await server.ReceiveAsync(received.AsMemory(count), Token);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private async Task<(Connection Connection, Socket Server)> OpenAsync(bool reads = true, byte[]? settings = null)
    {
        var opening = Connection.OpenAsync(new Uri($"http://{_listener.LocalEndPoint}"), "/a.B/C", TimeSpan.FromSeconds(1), reads);
        var server = await _listener.AcceptAsync(Token);
        _open.Add(server);
        await server.SendAsync(settings ?? Settings, Token);
        var connection = await opening;
        _open.Add(connection);
        return (connection, server);
    }
}
