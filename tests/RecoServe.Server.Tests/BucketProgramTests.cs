using System.Diagnostics;
using RecoServe.Engine.Packages;
using RecoServe.Testing;
using RecoServe.Testing.Stores;

namespace RecoServe.Server.Tests;

/// <summary>The program over a bucket of a real S3 server.</summary>
public sealed class BucketProgramTests : IDisposable
{
    private readonly TemporaryDirectory _cache = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _cache.Dispose();

    /// <summary>Killed in the middle of a download: nothing of it is taken for a version, and the next start serves.</summary>
    [Fact]
    public async Task Start_AfterAKillDuringADownload_Serves()
    {
        using var server = await StartServerAsync();
        await server.PublishAsync(new TestModel { ItemCount = 2000 }, "team");
        await server.HoldAsync(PackageFiles.ItemMatrix);
        await KillWhileFetchingAsync(server);
        await server.HoldAsync("");
        Assert.Contains("toy version 1,", await ServeAsync(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_StoreIsAway_NamesOptionAndBucketAndNoSecret()
    {
        using var server = await StartServerAsync();
        using var process = Start(server, "--Registry:S3Endpoint", "http://127.0.0.1:1", "--Logging:LogLevel:Default", "Trace");
        var error = await process.StandardError.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.Contains("recoserve: Registry:Repository s3://models/team: s3://models/team/ cannot be listed: ", error, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Server.Secret, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal(1, process.ExitCode);
    }

    /// <summary>Everything that is logged at any level, of a start, a download and a refusal.</summary>
    [Fact]
    public async Task Serve_LogsOfEveryLevel_HaveNoSecret()
    {
        using var server = await StartServerAsync();
        await server.PublishAsync(new TestModel(), "team");
        await server.PublishAsync(new TestModel(), "team");
        PackageFixes.Corrupt(server.FileOf($"team/toy/2/{PackageFiles.Encoder}"));
        var log = await ServeAsync(server, "--Logging:LogLevel:Default", "Trace");
        Assert.Contains("toy version 1,", log, StringComparison.Ordinal);
        Assert.Contains("s3://models/team/toy/2/encoder.onnx is damaged", log, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Server.Secret, log, StringComparison.Ordinal);
    }

    private static async Task<S3Server> StartServerAsync()
    {
        var (server, reason) = await S3Server.TryStartAsync();
        Assert.SkipWhen(server is null, reason);
        return server!;
    }

    private async Task KillWhileFetchingAsync(S3Server server)
    {
        using var process = Start(server);
        while (Part() is not { } part || new FileInfo(part).Length == 0)
        {
            Assert.False(process.HasExited);
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, Token);
        }

        process.Kill();
        await process.WaitForExitAsync(Token);
        Assert.False(Directory.Exists(_cache.File("models~team/toy/1")));
    }

    /// <summary>What has come of the item matrix.</summary>
    private string? Part() => Directory.GetFiles(_cache.Path, $"{PackageFiles.ItemMatrix}.part", SearchOption.AllDirectories).SingleOrDefault();

    /// <summary>Starts, waits for the banner, stops; gives everything that was said.</summary>
    private async Task<string> ServeAsync(S3Server server, params string[] options)
    {
        using var process = Start(server, options);
        var error = process.StandardError.ReadToEndAsync(Token);
        var said = "";
        while (await process.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            said += line + "\n";
            if (line.Contains("grpcurl", StringComparison.Ordinal))
                break;
        }

        process.Kill();
        await process.WaitForExitAsync(Token);
        return said + await error;
    }

    private Process Start(S3Server server, params string[] options) => Process.Start(new ProcessStartInfo(
        ProgramTests.Executable,
        [
            "--models", "s3://models/team", "--Registry:Cache", _cache.Path, "--Registry:S3Endpoint", server.Endpoint, "--Registry:S3PathStyle", "true",
            "--port", "0", "--http-port", "0", .. options,
        ])
    {
        RedirectStandardError = true,
        RedirectStandardOutput = true,
    })!;
}
