using System.Globalization;
using RecoServe.Engine.Inference;
using RecoServe.Engine.Registry;
using static RecoServe.Engine.Tests.Registry.RegistryFixture;

namespace RecoServe.Engine.Tests.Registry;

public sealed class LoadThreadTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Run_LowPriority_ItsThreadAloneIsNice()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "nice values are Linux's");
        var before = NiceOf("thread-self");
        Assert.Equal(before + LoadThread.Nice, await LoadThread.RunAsync("load test", lowPriority: true, () => NiceOf("thread-self")));
        Assert.Equal(before, await LoadThread.RunAsync("load test", lowPriority: false, () => NiceOf("thread-self")));
        Assert.Equal(before, NiceOf("thread-self"));
    }

    [Fact]
    public async Task Run_WorkThrows_TheCallerGetsIt() => Assert.Equal(
        "broken", (await Assert.ThrowsAsync<InvalidOperationException>(() => LoadThread.RunAsync<int>("load test", true, () => throw new InvalidOperationException("broken")))).Message);

    /// <summary>Threads inherit the nice value of the one that creates them: a batcher's must not come from the loading thread.</summary>
    [Fact]
    public async Task Load_BesideOneThatServes_ItsWorkersAreNotNice()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "nice values are Linux's");
        _fixture.Publish(1, 2);
        var registry = _fixture.Create();
        await registry.LoadAsync("toy", 1, Token);
        var loading = new List<string>();
        registry.Changed += v => loading.Add(v.State.ToString());
        await registry.LoadAsync("toy", 2, Token);
        var workers = Directory.GetDirectories("/proc/self/task").Where(t => ReadName(t).StartsWith("batcher toy/2", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(workers);
        Assert.All(workers, w => Assert.Equal(NiceOf("self"), NiceOf($"self/task/{Path.GetFileName(w)}")));
    }

    /// <summary>Of every size that batches are formed in, before anybody is answered.</summary>
    [Fact]
    public void WarmUp_EveryPowerOfTwoAndTheLargestBatch_AreRun()
    {
        _fixture.Publish(1);
        using var metrics = _fixture.Metrics.ForVersion("toy", 1, TimeProvider.System);
        var loaded = LoadedModel.Load(
            _fixture.Repository.File("toy/1"), new ModelVersion("toy", 1, metrics, ""), new RunnerOptions { MaxBatchSize = 48 }, TimeSpan.Zero);
        try
        {
            Assert.Equal([1, 2, 4, 8, 16, 32, 48], loaded.WarmUp().Distinct().Order());
        }
        finally
        {
            loaded.DisposeUnstarted();
        }
    }

    private static string ReadName(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm"));
        }
        catch (IOException)
        {
            return ""; // it has ended meanwhile
        }
    }

    private static int NiceOf(string thread) => StatOf(thread, 19);

    /// <summary>A field of a thread's stat, from 1; names have spaces, so those after its closing bracket are counted.</summary>
    private static int StatOf(string thread, int field) =>
        int.Parse(File.ReadAllText($"/proc/{thread}/stat").Split(") ")[^1].Split(' ')[field - 3], CultureInfo.InvariantCulture);
}
