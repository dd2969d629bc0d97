using System.Diagnostics;
using RecoServe.Engine.Packages;
using RecoServe.LoadTest.Loops;
using RecoServe.LoadTest.Targets;
using RecoServe.Testing;

namespace RecoServe.LoadTest.Tests.Targets;

/// <summary>The tool against a real server that is stopped for a second.</summary>
public sealed class TargetTests
{
    private const int Rate = 100;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Open_ServerStopsForASecond_ShowsInP99()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there are no signals");
        var options = new LoadOptions();
        var package = ModelPackage.Open(RepositoryRoot.File("models", "video-to-video", "1"));
        string[] arguments = ["--models", RepositoryRoot.File("models"), "--port", "0", "--http-port", "0"];
        var process = await TargetProcess.StartAsync(options.Server, arguments, TimeProvider.System);
        await using var target = await Target.ConnectAsync(process, MadeRequest.Make(package, seed: 1), options, TimeProvider.System);
        await target.AnswerAsync();
        var load = target.OpenAsync(ArrivalSchedule.Poisson(Rate, Duration, seed: 1));
        await Task.Delay(Stall, TimeProvider.System, TestContext.Current.CancellationToken);
        await SignalAsync("-STOP", process.Id);
        await Task.Delay(Stall, TimeProvider.System, TestContext.Current.CancellationToken);
        await SignalAsync("-CONT", process.Id);
        var result = await load;
        // A quarter of the calls fell into the stall. A slower machine makes them later, not earlier.
        Assert.True(result.Latency(99) > 0.7 * Stall, $"p99 {result.Latency(99)}");
        Assert.True(result.Latency(90) > 0.3 * Stall, $"p90 {result.Latency(90)}");
    }

    private static async Task SignalAsync(string signal, int id)
    {
        using var kill = Process.Start("kill", [signal, $"{id}"]);
        await kill.WaitForExitAsync();
    }
}
