using System.Diagnostics;
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
        var package = ModelPackage.Open(RepositoryRoot.File("models", "video-to-video", "1"));
        string[] arguments = ["--models", RepositoryRoot.File("models"), "--port", "0", "--http-port", "0"];
        var process = await TargetProcess.StartAsync(Server, arguments, TimeProvider.System);
        await using var target = await Target.ConnectAsync(process, MadeRequest.Make(package, seed: 1), connections: 8, callers: 8, TimeProvider.System);
        await target.AnswerAsync();
        var stall = StallAsync(process.Id);
        // However long the machine takes to send its signals, calls come before, meanwhile and after.
        var result = await target.OpenAsync(ArrivalSchedule.Endless(Rate, seed: 1).TakeWhile(_ => !stall.IsCompleted));
        await stall;
        // A good part of the calls fell into the stall. A slower machine makes them later, not earlier.
        Assert.True(result.Latency(99) > 0.7 * Stall, $"p99 {result.Latency(99)}");
        Assert.True(result.Latency(97) > 0.3 * Stall, $"p97 {result.Latency(97)}");
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
