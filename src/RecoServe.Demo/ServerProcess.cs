using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using RecoServe.Client;
using RecoServe.Contracts.V1;

namespace RecoServe.Demo;

/// <summary>A server of the demo's own, on a free port, that ends with it.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private ServerProcess(Process process, Uri address) => (_process, Address) = (process, address);

    internal Uri Address { get; }

    /// <summary>Starts the server and waits until it answers.</summary>
    internal static async Task<ServerProcess> StartAsync(string program, string models)
    {
        var port = FreePort();
        var start = new ProcessStartInfo(program, ["--models", models, "--port", $"{port}", "--http-port", "0", "--Logging:LogLevel:Default", "Warning"])
        {
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started");
        // Read and dropped: a full pipe would stop the server.
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        var server = new ServerProcess(process, new Uri($"http://127.0.0.1:{port}"));
        await server.WaitUntilReadyAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitUntilReadyAsync()
    {
        using var client = new RecoServeClient(new RecoServeClientOptions { Address = Address });
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await client.Models.ListModelsAsync(new ListModelsRequest());
                return;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable && !_process.HasExited && TimeProvider.System.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }
    }
}
