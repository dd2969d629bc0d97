using RecoServe.Engine.Registry;
using RecoServe.Engine.Tests.Registry;
using RecoServe.Engine.Traffic;
using RecoServe.Testing;

namespace RecoServe.Engine.Tests.Traffic;

public sealed class SlateComparisonTests : IAsyncDisposable
{
    private readonly RegistryFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Of_TheSameModel_HasEverythingInCommon() =>
        Assert.Equal(new SlateComparison(1, 1, 0), await CompareAsync(new TestModel(), new TestModel()));

    /// <summary>Without history the logits are the biases alone.</summary>
    [Fact]
    public async Task Of_OppositeOrder_HasRankCorrelationMinusOne()
    {
        var comparison = await CompareAsync(new TestModel { Bias = i => i }, new TestModel { Bias = i => 21 - i });
        Assert.Equal((0.0, -1.0), (comparison.Overlap, comparison.RankCorrelation));
        // The first names 20…11: their logits differ by 19, 17 … 1, the normalisers are equal.
        Assert.Equal(10, comparison.ScoreDrift, 1e-4);
    }

    [Fact]
    public async Task Of_OtherCatalogue_ComparesWhatBothKnow()
    {
        var comparison = await CompareAsync(new TestModel { Bias = i => i }, new TestModel { ItemCount = 15, Bias = i => i });
        Assert.Equal(0.5, comparison.Overlap); // 20…11 and 15…6
        Assert.Equal(1, comparison.RankCorrelation);
        Assert.Equal(5, comparison.ScoreDrift, 1e-2); // of 15…11 alone; the normaliser lacks the largest five
    }

    private async Task<SlateComparison> CompareAsync(TestModel first, TestModel second)
    {
        _fixture.Publish(first, 1);
        _fixture.Publish(second, 2);
        var registry = await _fixture.StartAsync(o => o.VersionPolicy = "all");
        using var one = registry.Acquire(new ModelSelector("toy", 1));
        using var two = registry.Acquire(new ModelSelector("toy", 2));
        var request = new SlateRequest { Context = new Dictionary<string, string> { ["colour"] = "red" } };
        return SlateComparison.Of(
            await RankedSlate.ComputeAsync(one, request, RegistryFixture.Token), await RankedSlate.ComputeAsync(two, request, RegistryFixture.Token));
    }
}
