using System.Diagnostics;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>The program as an operator meets it: exit codes and messages of the built executable.</summary>
public sealed class ProgramTests : IDisposable
{
    private static readonly string Executable = Path.Combine(
        AppContext.BaseDirectory, "..", "..", "RecoServe.Server", Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)), "recoserve");

    private readonly TemporaryDirectory _repository = new();

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData(2, "--modles is not a known switch", "--modles", "x")]
    [InlineData(2, "--models needs a value", "--models")]
    [InlineData(2, "is not a known switch", "serve")]
    [InlineData(2, "Port must be between 0 and 65535", "--port", "70000")]
    [InlineData(2, "QueueCapacity must be between 1 and", "--Batcher:QueueCapacity=0")]
    [InlineData(2, "Device must be cpu or cuda", "--Runner:Device", "tpu")]
    [InlineData(2, "Server:Host \"here\" is not an IP address", "--host", "here")]
    [InlineData(1, "is missing: it must hold models", "--models", "/nowhere")]
    public async Task Start_BadSetting_SaysWhatIsWrong(int exitCode, string message, params string[] arguments)
    {
        new TestModel().Publish(_repository.Path);
        var (code, error) = await RunAsync(arguments.Contains("--models") ? arguments : [.. arguments, "--models", _repository.Path]);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal(exitCode, code);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("scorer.onnx", "toy/1/scorer.onnx is damaged")]
    [InlineData("encoder.onnx", "toy/1/encoder.onnx is damaged")]
    public async Task Start_CorruptFile_NamesItAndExits(string file, string message)
    {
        PackageFixes.Corrupt(Path.Combine(new TestModel().Publish(_repository.Path), file));
        var (code, error) = await RunAsync("--models", _repository.Path);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal(1, code);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_ModelGivesNaN_NamesTheProbeAndExits()
    {
        PackageFixes.PutNaN(new TestModel().Publish(_repository.Path), item: 7);
        var (code, error) = await RunAsync("--models", _repository.Path);
        Assert.Contains("toy/1/probe.json is not answered as recorded", error, StringComparison.Ordinal);
        Assert.Equal(1, code);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_PortTaken_SaysSo()
    {
        await using var other = await RunningServer.StartAsync();
        new TestModel().Publish(_repository.Path);
        var (code, error) = await RunAsync("--models", _repository.Path, "--port", new Uri(other.GrpcAddress).Port.ToString(System.Globalization.CultureInfo.InvariantCulture), "--http-port", "0");
        Assert.Contains("address already in use", error, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, code);
    }

    [Fact]
    public async Task Start_GoodRepository_PrintsWhatToPasteAndStopsOnSignal()
    {
        new TestModel().Publish(_repository.Path);
        using var process = Start("--models", _repository.Path, "--port", "0", "--http-port", "0");
        var banner = "";
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            banner += line + "\n";
            if (line.Contains("grpcurl", StringComparison.Ordinal))
                break;
        }

        Assert.Contains("toy version 1, 20 items", banner, StringComparison.Ordinal);
        Assert.Matches("grpcurl -plaintext -d '\\{.*\\}' 127.0.0.1:[0-9]+ recoserve.v1.RecommendationService/Recommend", banner);
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
    }

    private static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Executable, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;

    private static async Task<(int Code, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await output;
        return (process.ExitCode, error);
    }
}
