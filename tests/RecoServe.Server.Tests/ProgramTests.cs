using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Grpc.Core;
using Grpc.Net.Client;
using RecoServe.Contracts.V1;
using RecoServe.Engine.Inference;
using RecoServe.Testing;

namespace RecoServe.Server.Tests;

/// <summary>The program as an operator meets it: exit codes and messages of the built executable.</summary>
public sealed class ProgramTests : IDisposable
{
    internal static readonly string Executable = BuiltProgram.PathOf("Server", "recoserve");

    private readonly TemporaryDirectory _repository = new();

    public void Dispose() => _repository.Dispose();

    [Theory]
    [InlineData(2, "--modles is not a known switch", "--modles", "x")]
    [InlineData(2, "--models needs a value", "--models")]
    [InlineData(2, "is not a known switch", "serve")]
    [InlineData(2, "recoserve: Server:Port (--port) must be a whole number from 0 to 65535, not \"70000\"\n", "--port", "70000")]
    [InlineData(2, "recoserve: Server:Port (--port) must be a whole number from 0 to 65535, not \"abc\"\n", "--port", "abc")]
    [InlineData(2, "recoserve: Server:Host (--host) must be an IP address, not \"here\"\n", "--host", "here")]
    [InlineData(2, "recoserve: Registry:Repository (--models) must name a directory, not \"\"\n", "--models", "")]
    [InlineData(2, "recoserve: Batcher:QueueCapacity must be a whole number from 1 to 65536, not \"0\"\n", "--Batcher:QueueCapacity=0")]
    [InlineData(2, "recoserve: Batcher:MaxQueueDelay must be a time from 00:00:00 to 00:00:01, such as 00:00:00.002, not \"2ms\"\n", "--Batcher:MaxQueueDelay", "2ms")]
    [InlineData(2, "recoserve: Batcher:MaxQueueDelay must be a time from 00:00:00 to 00:00:01, such as 00:00:00.002, not \"2\"\n", "--batcher:maxQueueDelay", "2")]
    [InlineData(2, "recoserve: Runner:Device must be cpu or cuda, not \"tpu\"\n", "--Runner:Device", "tpu")]
    [InlineData(2, "recoserve: Logging:LogLevel:Default must be one of Trace, Debug, Information, Warning, Error, Critical, None, not \"Loud\"\n", "--Logging:LogLevel:Default", "Loud")]
    [InlineData(2, "recoserve: Logging:Console:LogLevel:Grpc must be one of", "--Logging:Console:LogLevel:Grpc", "Loud")]
    [InlineData(2, "recoserve: Batcher:Queue is not an option; Batcher has QueueCapacity, QueueBytes, MaxQueueDelay, Patience, RefuseHopeless\n", "--Batcher:Queue", "0")]
    [InlineData(2, "recoserve: Registry:DefaultModell is not an option; Registry has Repository, Cache, S3Endpoint, S3Region, S3PathStyle, DefaultModel, Mode, PollInterval, TriggerFile, VersionPolicy, PreserveResources, MemoryLimit, CanaryPercent\n", "--Registry:DefaultModell", "x")]
    [InlineData(2, "recoserve: Degradation:TopK must be a whole number from 0 to 1000000, not \"-1\"\n", "--Degradation:TopK", "-1")]
    [InlineData(2, "recoserve: Registry:Mode must be one of Explicit, Poll, Event, not \"sometimes\"\n", "--Registry:Mode", "sometimes")]
    [InlineData(2, "recoserve: Registry:VersionPolicy must be latest, latest:2, all or specific:1,3, and for one model otherwise: latest;video=specific:7, not \"newest\"\n", "--Registry:VersionPolicy", "newest")]
    [InlineData(2, "recoserve: Registry:Repository (--models) must be a directory or s3://bucket/prefix (a bucket of 3 to 63 small letters, digits, '.' and '-'; a prefix of letters, digits, '_', '.', '-' and '/'), not \"s3://models/../x\"\n", "--models", "s3://models/../x")]
    [InlineData(2, "recoserve: Registry:S3Endpoint must be a URL such as https://store.example:9000, not \"localhost:9000\"\n", "--Registry:S3Endpoint", "localhost:9000")]
    [InlineData(2, "recoserve: Registry:TriggerFile must be the name of a file, not \"../x\"\n", "--Registry:TriggerFile", "../x")]
    [InlineData(2, "recoserve: Registry:Rollback:MinRequests must be a whole number from 20 to 1000, not \"5\"\n", "--Registry:Rollback:MinRequests", "5")]
    [InlineData(2, "recoserve: Registry:Rollback:MinRequest is not an option; Registry:Rollback has Enabled, Window, MinRequests,", "--Registry:Rollback:MinRequest", "50")]
    [InlineData(1, "recoserve: model toy/1 needs about 8.", "--Registry:MemoryLimit", "1000")]
    [InlineData(2, "recoserve: Server:Port:Grpc is not an option; Server has Host, Port, HttpPort, MaxThreadDelay, MaxTensorBytes, LargeRequestMemory, KeepAlivePing, DrainTime\n", "--Server:Port:Grpc", "5000")]
    [InlineData(1, "is missing: it must hold models", "--models", "/nowhere")]
    public async Task Start_BadSetting_SaysWhatIsWrong(int exitCode, string message, params string[] arguments)
    {
        new TestModel().Publish(_repository.Path);
        var (code, error) = await RunAsync(arguments.Contains("--models") ? arguments : [.. arguments, "--models", _repository.Path]);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Equal(exitCode, code);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    /// <summary>Holds in the default build; one for CUDA accepts the device.</summary>
    [Fact]
    public async Task Start_CudaInACpuBuild_SaysWhichBuildIsNeeded()
    {
        Assert.SkipWhen(RunnerOptions.CheckDevice("cuda") == ValidationResult.Success, "this is a gpu build");
        var (code, error) = await RunAsync("--models", _repository.Path, "--Runner:Device", "cuda");
        Assert.Equal("recoserve: Runner:Device must be cpu in this build, which is a cpu build (cuda needs a build with -p:OnnxRuntimeFlavor=gpu), not \"cuda\"\n", error);
        Assert.Equal(2, code);
    }

    [Fact]
    public async Task Start_UnknownKeyInTheEnvironment_NamesItAndThoseThereAre()
    {
        using var process = Start(start => start.Environment["Batcher__QueueCapcity"] = "1", "--models", _repository.Path, "--port", "abc");
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Contains("recoserve: Batcher:QueueCapcity is not an option; Batcher has QueueCapacity, QueueBytes, MaxQueueDelay, Patience, RefuseHopeless\n", error, StringComparison.Ordinal);
        Assert.Contains("recoserve: Server:Port (--port) must be", error, StringComparison.Ordinal);
        Assert.Equal(2, process.ExitCode);
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
        var banner = await ReadBannerAsync(process);
        Assert.Contains("toy version 1, 20 items", banner, StringComparison.Ordinal);
        Assert.DoesNotContain("default", banner, StringComparison.Ordinal);
        Assert.Matches("grpcurl -plaintext -d '\\{.*\\}' 127.0.0.1:[0-9]+ recoserve.v1.RecommendationService/Recommend", banner);
        Assert.Equal(0, await StopAsync(process));
    }

    [Fact]
    public async Task Start_SeveralModelsAndNoDefault_SaysThatRequestsMustNameOne()
    {
        new TestModel { Name = "a" }.Publish(_repository.Path);
        new TestModel { Name = "b" }.Publish(_repository.Path);
        using var process = Start("--models", _repository.Path, "--port", "0", "--http-port", "0", "--Degradation:Model", "b");
        var banner = await ReadBannerAsync(process);
        Assert.Contains("default  none: requests must name a model", banner, StringComparison.Ordinal);
        Assert.DoesNotContain("warning", banner, StringComparison.Ordinal);
        Assert.Equal(0, await StopAsync(process));
    }

    [Fact]
    public async Task Start_SmallerModelThatIsNotThere_Warns()
    {
        new TestModel().Publish(_repository.Path);
        using var process = Start("--models", _repository.Path, "--port", "0", "--http-port", "0", "--Degradation:Model", "nosuch");
        Assert.Contains("warning  Degradation:Model nosuch is not served: until it is, that step is left out", await ReadBannerAsync(process), StringComparison.Ordinal);
        Assert.Equal(0, await StopAsync(process));
    }

    /// <summary>What a load makes hot must not be compiled in the way of those who serve.</summary>
    [Fact]
    public async Task Load_BesideOneThatServes_CompilesAtLowPriority()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "nice values are Linux's");
        for (var version = 1; version <= 2; version++)
            new TestModel().Publish(_repository.Path);
        using var process = Start("--models", _repository.Path, "--port", "0", "--http-port", "0", "--Registry:VersionPolicy", "specific:1");
        var address = Regex.Match(await ReadBannerAsync(process), @"gRPC +(\S+)").Groups[1].Value;
        using var channel = GrpcChannel.ForAddress(address);
        var before = NiceOfCompiler(process);
        await new ModelService.ModelServiceClient(channel).LoadVersionAsync(
            new LoadVersionRequest { Name = "toy", Version = 2 }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(before + 10, NiceOfCompiler(process));
        Assert.Equal(0, await StopAsync(process));
    }

    /// <summary>Killed while labels move and versions come and go: the next start finds a repository that loads, with a label that was set.</summary>
    [Fact]
    public async Task Start_AfterAKillAtAnyPoint_Serves()
    {
        for (var version = 1; version <= 2; version++)
            new TestModel().Publish(_repository.Path);
        using var changes = new SemaphoreSlim(0);
        for (var round = 0; round < 3; round++)
        {
            using var process = Start("--models", _repository.Path, "--port", "0", "--http-port", "0", "--Registry:VersionPolicy", "all");
            var address = Regex.Match(await ReadBannerAsync(process), @"gRPC +(\S+)").Groups[1].Value;
            Assert.StartsWith("http", address, StringComparison.Ordinal);
            using var channel = GrpcChannel.ForAddress(address);
            var models = new ModelService.ModelServiceClient(channel);
            var labels = (await models.GetModelAsync(new GetModelRequest { Name = "toy" }, cancellationToken: TestContext.Current.CancellationToken)).Model.Labels;
            Assert.Equal(round == 0 ? 0 : 1, labels.Count);
            Assert.All(labels.Values, v => Assert.InRange(v, 1, 2));
            var changing = Task.Run(async () =>
            {
                for (var i = 0; ; i++)
                {
                    await models.SetLabelAsync(new SetLabelRequest { Name = "toy", Label = "stable", Version = 1 + (i % 2) });
                    await models.UnloadVersionAsync(new UnloadVersionRequest { Name = "toy", Version = 2 - (i % 2) });
                    await models.LoadVersionAsync(new LoadVersionRequest { Name = "toy", Version = 2 - (i % 2) });
                    changes.Release();
                }
            }, TestContext.Current.CancellationToken);
            for (var i = 0; i < 2 + round; i++)
                await changes.WaitAsync(TestContext.Current.CancellationToken);
            process.Kill();
            await Assert.ThrowsAsync<RpcException>(() => changing);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The nineteenth field of the stat of the thread that compiles hot methods.</summary>
    private static int NiceOfCompiler(Process process)
    {
        var thread = Directory.GetDirectories($"/proc/{process.Id}/task").Single(t => NameOf(t).StartsWith(".NET Tiered", StringComparison.Ordinal));
        return int.Parse(File.ReadAllText(Path.Combine(thread, "stat")).Split(") ")[^1].Split(' ')[16], System.Globalization.CultureInfo.InvariantCulture);

        static string NameOf(string thread)
        {
            try
            {
                return File.ReadAllText(Path.Combine(thread, "comm"));
            }
            catch (IOException)
            {
                return ""; // it has ended meanwhile
            }
        }
    }

    private static Process Start(params string[] arguments) => Start(_ => { }, arguments);

    private static Process Start(Action<ProcessStartInfo> change, params string[] arguments)
    {
        var start = new ProcessStartInfo(Executable, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        change(start);
        return Process.Start(start)!;
    }

    private static async Task<string> ReadBannerAsync(Process process)
    {
        var banner = "";
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            banner += line + "\n";
            if (line.Contains("grpcurl", StringComparison.Ordinal))
                break;
        }

        return banner;
    }

    private static async Task<int> StopAsync(Process process)
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

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
