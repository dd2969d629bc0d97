using Microsoft.ML.OnnxRuntime.Tensors;
using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Registry;

public sealed class PlainGraphTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    private static CancellationToken Token => RegistryFixture.Token;

    private string Repository => _fixture.Repository.Path;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Reload_NewVersion_TakesOverAndTheOldOneEnds()
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        var registry = await _fixture.StartAsync();
        TestGraph.PublishSum(Repository, "sum", 2, factor: 2);
        Assert.Equal("2 Loaded, 1 Unloaded", RegistryFixture.Describe(await registry.ReloadAsync(Token)));
        Assert.Equal([2L], RegistryFixture.Serving(registry, "sum"));
    }

    [Fact]
    public async Task Load_CutAnywhere_NeverServesAndTheOldOneGoesOn()
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        var registry = await _fixture.StartAsync();
        TestGraph.PublishSum(Repository, "sum", 2);
        var path = _fixture.Repository.File("sum/2/model.onnx");
        var whole = await File.ReadAllBytesAsync(path, Token);
        for (var length = 0; length < whole.Length; length += 7)
        {
            RegistryFixture.Rewrite(path, whole[..length]);
            await registry.ReloadAsync(Token);
            Assert.Equal([1L], RegistryFixture.Serving(registry, "sum"));
        }

        Assert.Equal("2 PassedOver", RegistryFixture.Describe(await registry.ReloadAsync(Token))); // tried once for each content
        RegistryFixture.Rewrite(path, whole);
        await registry.ReloadAsync(Token);
        Assert.Equal([2L], RegistryFixture.Serving(registry, "sum"));
    }

    [Fact]
    public async Task Reload_ConfigChanges_LoadsAgain()
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        var registry = await _fixture.StartAsync();
        Assert.Equal(64, registry.FindAnswering(new("sum")).Signature!.MaxBatchSize);
        await File.WriteAllTextAsync(_fixture.Repository.File("sum/1/config.json"), """{ "max_batch_size": 5, "max_queue_delay_microseconds": 700, "instances": 1 }""", Token);
        Assert.Equal("1 Loaded", RegistryFixture.Describe(await registry.ReloadAsync(Token)));
        var signature = registry.FindAnswering(new("sum")).Signature!;
        Assert.Equal((5, TimeSpan.FromMicroseconds(700), 1), (signature.MaxBatchSize, signature.MaxQueueDelay, signature.Instances));
    }

    [Theory]
    [InlineData("""{ "max_batch": 5 }""", "config.json says \"max_batch\"; its keys are: max_batch_size, max_queue_delay_microseconds, max_queue_size, instances")]
    [InlineData("""{ "instances": "2" }""", "config.json says \"instances\": \"2\"; it must be a whole number from 1 to 64")]
    [InlineData("""{ "instances": 1.5 }""", "config.json says \"instances\": 1.5; it must be a whole number from 1 to 64")]
    [InlineData("[8]", "config.json is not an object, such as { \"max_batch_size\": 8 }")]
    [InlineData("{", "config.json is not valid (line 1)")]
    [InlineData("", "config.json is empty")]
    [InlineData("""{ "max_batch_size": 2000 }""", "config.json says \"max_batch_size\": 2000; it must be a whole number from 0 to 1024")]
    [InlineData("""{ "instances": 0 }""", "config.json says \"instances\": 0; it must be a whole number from 1 to 64")]
    [InlineData("""{ "max_queue_size": 0 }""", "config.json says \"max_queue_size\": 0; it must be a whole number from 1 to 65536")]
    [InlineData("""{ "max_queue_delay_microseconds": -1 }""", "config.json says \"max_queue_delay_microseconds\": -1")]
    public async Task Load_WrongConfig_NamesFileAndKey(string config, string problem)
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        await File.WriteAllTextAsync(_fixture.Repository.File("sum/1/config.json"), config, Token);
        await AssertRefused("sum", problem);
    }

    [Fact]
    public async Task Load_FixedShapeAskedToBeBatched_IsRefused()
    {
        TestGraph.PublishIdentity(Repository, "fixed", 1, (int)TensorElementType.Float, "2", "2");
        await File.WriteAllTextAsync(_fixture.Repository.File("fixed/1/config.json"), """{ "max_batch_size": 5 }""", Token);
        await AssertRefused("fixed", "model.onnx cannot be batched, as config.json asks for");
    }

    [Fact]
    public async Task Load_OutputDoesNotLeadWithRows_IsRefusedUntilConfigSaysSo()
    {
        TestGraph.PublishLiar(Repository, "liar", 1);
        await AssertRefused("liar", "output \"y\" has shape [2, 1] for 1 rows: the graph cannot be batched");
        await File.WriteAllTextAsync(_fixture.Repository.File("liar/1/config.json"), """{ "max_batch_size": 0 }""", Token);
        var registry = await _fixture.StartAsync();
        Assert.Equal([1L], RegistryFixture.Serving(registry, "liar"));
    }

    /// <summary>Its every run may fail, or only those with zeros: the log says what ONNX Runtime does.</summary>
    [Fact]
    public async Task Load_RefusesZeros_ServesAndTheLogHasTheReason()
    {
        TestGraph.PublishGather(Repository, "empty", 1, entries: 0);
        TestGraph.PublishSum(Repository, "sum", 1);
        var log = new RecordedLog<ModelRegistry>();
        var registry = await _fixture.StartAsync(_ => { }, log);
        Assert.Equal([1L], RegistryFixture.Serving(registry, "empty"));
        var line = Assert.Single(log.Of("LeftCold"));
        Assert.StartsWith("Model empty/1 serves although", line, StringComparison.Ordinal);
        Assert.Contains("1 rows of zeros: ", line, StringComparison.Ordinal);
        Assert.Contains("indices element out of data bounds", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("batch", "[1, 700000000] is larger than the 2 GB that a tensor can have; \"max_batch_size\" in config.json bounds the rows")]
    [InlineData("3", "[3, 700000000] is larger than the 2 GB that a tensor can have")]
    public async Task Load_InputLargerThanATensor_SaysSo(string rows, string problem)
    {
        TestGraph.PublishIdentity(Repository, "wide", 1, (int)TensorElementType.Float, rows, "700000000");
        await AssertRefused("wide", $"model.onnx cannot be served: the input \"x\" of shape {problem}");
    }

    [Fact]
    public async Task Load_NoTensor_IsRefused()
    {
        TestGraph.PublishSequence(Repository, "sequence", 1);
        await AssertRefused("sequence", "model.onnx has the input \"s\" of ONNX_TYPE_SEQUENCE: only tensors can be sent");
    }

    [Fact]
    public async Task LoadRepository_PackageAndGraphs_DefaultIsThePackage()
    {
        TestGraph.PublishSum(Repository, "a-graph", 1);
        _fixture.Publish(1);
        var registry = await _fixture.StartAsync();
        Assert.Equal("toy", registry.DefaultModel);
        Assert.Equal(["a-graph", "toy"], (await registry.ListRepositoryAsync(RegistryFixture.Token)).Select(m => m.Name));
    }

    [Fact]
    public async Task Load_NoRoom_IsRefused()
    {
        TestGraph.PublishSum(Repository, "sum", 1);
        var registry = _fixture.Create(o => o.MemoryLimit = 1 << 20);
        var e = await Assert.ThrowsAsync<AggregateException>(() => registry.LoadRepositoryAsync(Token));
        Assert.IsType<ModelMemoryException>(e.InnerException);
    }

    private async Task AssertRefused(string name, string problem)
    {
        var registry = _fixture.Create();
        var e = await Assert.ThrowsAsync<AggregateException>(() => registry.LoadRepositoryAsync(Token));
        Assert.Contains(problem, Assert.IsType<PackageException>(e.InnerException).Message, StringComparison.Ordinal);
        Assert.Equal(VersionState.Failed, registry.Models[name][0].State);
    }
}
