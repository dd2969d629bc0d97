using System.Globalization;
using RecoServe.Engine;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Testing;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Memory.Tests;

/// <summary>
/// Loads and unloads again and again: memory stays as it is, and a leak is seen by the same gate. Thirty times, or as often as
/// RECOSERVE_SOAK_SWAPS says; then the last must also be as fast as the first.
/// </summary>
public sealed class SwapLeakTests : IAsyncDisposable
{
    private const int WarmUp = 10;

    /// <summary>A version holds five times as much, and the sessions more.</summary>
    private const long AllowedPerRound = 100_000;

    /// <summary>Of a plain graph: 800 KB.</summary>
    private const int TableEntries = 200_000;

    private static readonly int Rounds = int.Parse(Environment.GetEnvironmentVariable("RECOSERVE_SOAK_SWAPS") ?? "30", CultureInfo.InvariantCulture);

    private static readonly TestModel Model = new() { ItemCount = 5_000, Dimension = 16 };

    private readonly RegistryFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Swaps_ManyTimes_MemoryStaysAndTheLastIsAsFastAsTheFirst()
    {
        _fixture.Publish(Model, 1, 2);
        var registry = _fixture.Create(o => o.DefaultModel = "toy");
        await registry.LoadAsync("toy", 2, Token);
        using var recommender = new Recommender(registry, new DegradationOptions(), TimeProvider.System);
        var times = new List<TimeSpan>();
        var leaked = await FindLeakAsync(async round =>
        {
            // First, so that memory is measured of a version that nobody has asked: how many output blocks another needs is chance.
            await Task.WhenAll(Enumerable.Range(1, 20).Select(i => recommender.RecommendAsync(new SlateRequest { History = [TestModel.IdOf(i)] }, Token)));
            var start = TimeProvider.System.GetTimestamp();
            var (next, old) = ((round % 2) + 1, 2 - (round % 2));
            await registry.LoadAsync("toy", next, Token);
            await registry.UnloadAsync("toy", old);
            times.Add(TimeProvider.System.GetElapsedTime(start));
        });
        Assert.Null(leaked);
        var (first, last) = (Median(times.Skip(WarmUp).Take(Rounds / 10)), Median(times.TakeLast(Rounds / 10)));
        TestContext.Current.TestOutputHelper?.WriteLine($"a swap took {first.TotalMilliseconds:F0} ms at first and {last.TotalMilliseconds:F0} ms at last");
        if (Rounds >= 500)
            Assert.InRange(last / first, 0, 1.5);
    }

    /// <summary>Versions that fail early, in the middle and late: before anything is held, with the matrix, and with all of it.</summary>
    [Theory]
    [InlineData("damaged")]
    [InlineData("not a graph")]
    [InlineData("other answers")]
    public async Task FailedLoads_ManyTimes_MemoryStays(string fault)
    {
        _fixture.Publish(fault == "other answers" ? Model with { Probe = p => p with { Cases = [p.Cases[0] with { LogSumExp = 0 }] } } : Model, 1);
        if (fault == "damaged")
            PackageFixes.Corrupt(_fixture.FileOf(1, PackageFiles.Scorer));
        if (fault == "not a graph")
        {
            File.WriteAllText(_fixture.FileOf(1, PackageFiles.Scorer), "not a graph");
            PackageFixes.RewriteManifest(_fixture.Repository.File("toy/1"));
        }

        var registry = _fixture.Create();
        Assert.Null(await FindLeakAsync(_ => Assert.ThrowsAsync<PackageException>(() => registry.LoadAsync("toy", 1, Token))));
    }

    [Fact]
    public async Task PlainGraphSwaps_ManyTimes_MemoryStays()
    {
        TestGraph.PublishGather(_fixture.Repository.Path, "gather", 1, TableEntries);
        TestGraph.PublishGather(_fixture.Repository.Path, "gather", 2, TableEntries);
        var registry = _fixture.Create();
        await registry.LoadAsync("gather", 2, Token);
        Assert.Null(await FindLeakAsync(async round =>
        {
            var (next, old) = ((round % 2) + 1, 2 - (round % 2));
            await registry.LoadAsync("gather", next, Token);
            await registry.UnloadAsync("gather", old);
        }));
    }

    /// <summary>Refused before there is a session, and with one.</summary>
    [Theory]
    [InlineData("not a graph")]
    [InlineData("cannot be batched")]
    public async Task FailedPlainGraphLoads_ManyTimes_MemoryStays(string fault)
    {
        TestGraph.PublishGather(_fixture.Repository.Path, "gather", 1, TableEntries, rows: fault == "cannot be batched" ? "4" : "batch");
        if (fault == "not a graph")
            File.WriteAllText(_fixture.Repository.File("gather/1/model.onnx"), "not a graph");
        else
            File.WriteAllText(_fixture.Repository.File("gather/1/config.json"), """{ "max_batch_size": 8 }""");
        var registry = _fixture.Create();
        Assert.Null(await FindLeakAsync(_ => Assert.ThrowsAsync<PackageException>(() => registry.LoadAsync("gather", 1, Token))));
    }

    /// <summary>The gate itself: a runner that nobody disposes in each round, as a version that is forgotten would be.</summary>
    [Fact]
    public async Task Gate_ARunnerIsForgottenInEachRound_SeesIt()
    {
        var package = ModelPackage.Open(Model.Publish(_fixture.Repository.Path));
        var forgotten = new List<ModelRunner>();
        var leaked = await FindLeakAsync(_ =>
        {
            forgotten.Add(new ModelRunner(package, new RunnerOptions()));
            return Task.CompletedTask;
        });
        forgotten.ForEach(f => f.Dispose());
        Assert.Contains("native", leaked, StringComparison.Ordinal);
    }

    /// <summary>The same with objects: a list that grows with every version.</summary>
    [Fact]
    public async Task Gate_ObjectsAreHeldInEachRound_SeesIt()
    {
        var held = new List<byte[]>();
        var leaked = await FindLeakAsync(_ =>
        {
            held.Add(new byte[200_000]);
            return Task.CompletedTask;
        });
        Assert.Contains("managed", leaked, StringComparison.Ordinal);
        GC.KeepAlive(held);
    }

    /// <summary>What grew, from the end of the warm-up to the end; null if nothing did.</summary>
    private static async Task<string?> FindLeakAsync(Func<int, Task> round)
    {
        for (var i = 0; i < WarmUp; i++)
            await round(i);
        var before = MemoryUse.Now();
        for (var i = 0; i < Rounds; i++)
            await round(WarmUp + i);
        var after = MemoryUse.Now();
        TestContext.Current.TestOutputHelper?.WriteLine($"before: {before}; after {Rounds} rounds: {after}");
        var allowed = Math.Min(Rounds, 100) * AllowedPerRound;
        return (after.Managed - before.Managed > allowed, after.Native - before.Native > allowed, after.Resident - before.Resident > (3 * allowed) + 20_000_000) switch
        {
            (true, _, _) => $"managed memory grew from {before} to {after}",
            (_, true, _) => $"native memory grew from {before} to {after}",
            (_, _, true) => $"resident memory grew from {before} to {after}",
            _ => null,
        };
    }

    private static TimeSpan Median(IEnumerable<TimeSpan> times) => times.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : default;
}
