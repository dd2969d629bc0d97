using RecoServe.Engine.Inference;
using RecoServe.Engine.Packages;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Inference;

public sealed class ModelRunnerTests : IDisposable
{
    private readonly TemporaryDirectory _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public void Logits_AnyHistory_EqualTheDefinition()
    {
        var model = new TestModel { Devices = ["tv", "phone"] };
        using var runner = Load(model);
        int[][] histories = [[], [3], [1, 2, 3, 4, 5], [.. Enumerable.Range(1, 10)]];
        foreach (var history in histories)
        {
            for (var device = 0; device <= 2; device++)
                AssertClose(model.ExpectedLogits(history, device), runner.Logits(new EncoderInput(history, new[] { device })));
        }
    }

    [Fact]
    public void Run_MixedBatch_GivesEachRowItsOwn()
    {
        var model = new TestModel();
        using var runner = Load(model);
        var histories = Enumerable.Range(0, 33).Select(r => Enumerable.Range(1, r % 11).ToArray()).ToArray();
        var output = Run(runner, 20, histories);
        for (var r = 0; r < histories.Length; r++)
        {
            var expected = model.ExpectedLogits(histories[r]);
            if (r < 20)
                AssertClose(expected, output.LogitsOf(r).ToArray());
            for (var item = 1; item <= model.ItemCount; item++)
                Assert.Equal(expected[item], runner.Matrix.Logit(output.State(r), item), 1e-4);
        }

        output.Release();
    }

    [Fact]
    public void Run_FailedBatch_LeavesTheRunnerUsable()
    {
        var model = new TestModel { PoisonAbove = 5 };
        using var runner = Load(model);
        for (var i = 0; i < 20; i++)
        {
            Assert.ThrowsAny<Exception>(() => runner.Logits(new EncoderInput(new[] { 6 }, default)));
            AssertClose(model.ExpectedLogits([5]), runner.Logits(new EncoderInput(new[] { 5 }, default)));
        }
    }

    [Fact]
    public void Run_OutputStillHeld_IsNotOverwritten()
    {
        var model = new TestModel();
        using var runner = Load(model);
        var first = Run(runner, 1, [1]);
        var second = Run(runner, 1, [2]);
        AssertClose(model.ExpectedLogits([1]), first.LogitsOf(0).ToArray());
        AssertClose(model.ExpectedLogits([2]), second.LogitsOf(0).ToArray());
        first.Release();
        second.Release();
        var third = Run(runner, 1, [3]);
        Assert.Contains(third, new[] { first, second });
        third.Release();
    }

    [Fact]
    public void MaxBatchSize_LargeCatalogue_IsBoundedByBytes()
    {
        using var runner = Load(new TestModel { ItemCount = 1000 }, new RunnerOptions { MaxBatchBytes = 1 << 16 });
        Assert.Equal((1 << 16) / (4 * 1001), runner.MaxBatchSize);
    }

    /// <summary>A block past a third of the bound: one spare. Small ones: three. Both with one for the only run.</summary>
    [Theory]
    [InlineData(1_000_000, 2)]
    [InlineData(200_000, 2)]
    [InlineData(40_000, 4)]
    [InlineData(3_000, 4)]
    public void OutputsFor_LargeCatalogue_AreFewerAsTheyAreLarge(int items, int expected) =>
        Assert.Equal(expected, new RunnerOptions { Threads = 1 }.OutputsFor(items));

    [Theory]
    [InlineData(PackageFiles.Encoder)]
    [InlineData(PackageFiles.Scorer)]
    public void Open_GraphOfAnotherKind_NamesTheFile(string file)
    {
        var directory = new TestModel().Publish(_repository.Path);
        var other = file == PackageFiles.Encoder ? PackageFiles.Scorer : PackageFiles.Encoder;
        File.Copy(Path.Combine(directory, other), Path.Combine(directory, file), overwrite: true);
        PackageFixes.RewriteManifest(directory);
        var package = ModelPackage.Open(directory);
        var e = Assert.Throws<PackageException>(() => new ModelRunner(package, new RunnerOptions()));
        Assert.Contains(file, e.Message, StringComparison.Ordinal);
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.Equal(float.NegativeInfinity, actual[0]);
        for (var i = 1; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-4);
    }

    private ModelRunner Load(TestModel model, RunnerOptions? options = null) =>
        new(ModelPackage.Open(model.Publish(_repository.Path)), options ?? new RunnerOptions());

    private static BatchOutput Run(ModelRunner runner, int logitRows, params int[][] histories)
    {
        var output = ((IBatchRunner<EncoderInput, BatchOutput>)runner).Reserve();
        ((IBatchRunner<EncoderInput, BatchOutput>)runner).Run(output, [.. histories.Select(h => new EncoderInput(h, default))], logitRows, TimeProvider.System);
        return output;
    }
}
