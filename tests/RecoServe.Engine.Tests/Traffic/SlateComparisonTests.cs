using RecoServe.Engine.Packages;
using RecoServe.Engine.Registry;
using RecoServe.Engine.Sampling;
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
        Assert.Equal(new SlateComparison(1, 1, 0, ByChance: 0.5, Agreement: Math.Sqrt(9.0 * 20 * 19 / (2 * 45))), await CompareAsync(new TestModel(), new TestModel()));

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

    /// <summary>Kendall's tau of 24 items in opposite order is −1, its standard deviation without any relation √(2·53 ÷ 9·24·23).</summary>
    [Fact]
    public void Of_ItemsInOppositeOrder_DisagreeByMoreThanChance()
    {
        var comparison = Compare(i => i, i => -i, slateSize: 6, items: 24);
        Assert.Equal((0.0, 0.25), (comparison.Overlap, comparison.ByChance));
        Assert.Equal(-1 / Math.Sqrt(106.0 / (9 * 24 * 23)), comparison.Agreement, 1e-9);
    }

    [Theory]
    [InlineData(10, 6.0 / 10, false)]
    [InlineData(9, 6.0 / 9, true)]
    public void Of_FewCandidates_HaveNoAgreement(int candidates, double byChance, bool none)
    {
        using var mask = ItemMask.Rent(24);
        mask.ExcludeAllBut([.. Enumerable.Range(3, candidates)]);
        var comparison = Compare(i => i, i => i, slateSize: 6, items: 24, mask);
        Assert.Equal((1.0, byChance, none), (comparison.Overlap, comparison.ByChance, double.IsNaN(comparison.Agreement)));
    }

    internal static SlateComparison Compare(Func<int, double> first, Func<int, double> second, int slateSize, int items, ItemMask? mask = null)
    {
        var catalogue = Catalogue.Create([.. Enumerable.Range(1, items).Select(TestModel.IdOf)], new Dictionary<string, IReadOnlyList<string>>());
        return SlateComparison.Of(RankedSlate.Of(catalogue, Row(first), mask, slateSize), RankedSlate.Of(catalogue, Row(second), mask, slateSize));

        float[] Row(Func<int, double> logit) => [float.NegativeInfinity, .. Enumerable.Range(1, items).Select(i => (float)logit(i))];
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
