namespace RecoServe.LoadTest.Scenarios;

/// <summary>Something that is done to servers.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="What">What is done and measured.</param>
/// <param name="Run">Does it.</param>
internal sealed record Scenario(string Name, string What, Func<LoadSession, Task> Run)
{
    /// <summary>All, in the order in which they are run.</summary>
    internal static IReadOnlyList<Scenario> All { get; } =
    [
        new("start", "how long a server takes until it is ready", StartScenario.RunAsync),
        new("idle", "processor time of a server that nobody asks", IdleScenario.RunAsync),
        new("saturate", "the peak, and processor time per call beside ONNX Runtime, the sampler and a bare gRPC server", SaturateScenario.RunAsync),
        new("steady", "60 % of the peak; and the server's own overhead at 5 %", SteadyScenario.RunAsync),
        new("overload", "0.5 to 3 times the peak", OverloadScenario.RunAsync),
        new("burst", "2 times the peak in every fourth quarter of a second, else a quarter of it", BurstScenario.RunAsync),
        new("mixed", "one long history in 64 short ones, beside short ones alone", MixedScenario.RunAsync),
        new("cancel-storm", "callers who cancel at the rate of the peak, beside others who do not", CancelStormScenario.RunAsync),
        new("slow-client", "callers who read their answers slowly, beside others who do not", SlowClientScenario.RunAsync),
        new("swap", "versions loaded and unloaded under 60 % of the peak", SwapScenario.RunAsync),
        new("canary", "good and bad new versions with half of the calls, at 30 % of the peak", CanaryScenario.RunAsync),
        new("batching", "100,000 items, with batching beside MaxBatchSize 1", BatchingScenario.RunAsync),
        new("catalogue", "1,000,000 items: time to start, memory, batching beside MaxBatchSize 1", CatalogueScenario.RunAsync),
        new("memory", "1,000,000 calls: whether the server's memory grows", MemoryScenario.RunAsync),
    ];
}
