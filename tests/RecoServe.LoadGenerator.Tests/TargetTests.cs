using System.Diagnostics;
using Grpc.Core;
using RecoServe.Engine.Packages;
using RecoServe.LoadGenerator.Loops;
using RecoServe.Testing;

namespace RecoServe.LoadGenerator.Tests;

/// <summary>The tool against a real server that is stopped for a second.</summary>
public sealed class TargetTests
{
    private const int Rate = 100;
    private static readonly string Server = BuiltProgram.PathOf("Server", "recoserve");

    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Open_ServerStopsForASecond_ShowsInP99()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there are no signals");
        await using var target = await StartAsync(callers: 8);
        await target.AnswerAsync();
        var stall = StallAsync(target.Process.Id);
        // However long the machine takes to send its signals, calls come before, meanwhile and after.
        var result = await target.OpenAsync(ArrivalSchedule.Endless(Rate, seed: 1).TakeWhile(_ => !stall.IsCompleted));
        await stall;
        // A good part of the calls fell into the stall. A slower machine makes them later, not earlier.
        Assert.True(result.Latency(99) > 0.7 * Stall, $"p99 {result.Latency(99)}");
        Assert.True(result.Latency(97) > 0.3 * Stall, $"p97 {result.Latency(97)}");
    }

    [Fact]
    public async Task Answer_ServerIsBusy_IsAskedForAgain()
    {
        await using var target = await StartAsync(callers: 64, "--Batcher:QueueCapacity", "1");
        var load = target.ClosedAsync(20_000);
        for (var i = 0; i < 20; i++)
            Assert.NotEmpty((await target.AnswerAsync()).Items);
        Assert.True((await load).Statuses.ContainsKey(StatusCode.ResourceExhausted));
    }

    private static async Task<Target> StartAsync(int callers, params string[] options)
    {
        var package = ModelPackage.Open(RepositoryRoot.File("models", "video-to-video", "1"));
        var process = await TargetProcess.StartAsync(Server, ["--models", RepositoryRoot.File("models"), "--port", "0", "--http-port", "0", .. options], TimeProvider.System);
        return await Target.ConnectAsync(process, MadeRequest.Make(package, seed: 1), connections: 8, callers, TimeProvider.System);
    }

    private static async Task StallAsync(int id)
    {
        await PauseAsync();
        await SignalAsync("-STOP", id);
        await PauseAsync();
        await SignalAsync("-CONT", id);
        await PauseAsync();
    }

    private static Task PauseAsync() => Task.Delay(Stall, TimeProvider.System, TestContext.Current.CancellationToken);

    private static async Task SignalAsync(string signal, int id)
    {
        using var kill = Process.Start("kill", [signal, $"{id}"]);
        await kill.WaitForExitAsync();
    }
}
