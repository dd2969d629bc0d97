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

    /// <summary>One user likes items 1 to 10, the other 11 to 20: the first version gives them a logit of 5, and all others 0.</summary>
    [Theory]
    [InlineData(5, 0, 1)]
    [InlineData(2, 0, 0.4)]
    [InlineData(0, 0, 0)]
    [InlineData(3, 3, 0)]
    [InlineData(0, 5, -1)]
    public void Of_AnotherRequestBefore_SaysHowMuchOfTheUserIsKnown(double ofOwn, double ofOthers, double expected)
    {
        var comparison = SlateComparison.Of(Liked(5, 0), Liked(ofOwn, ofOthers), another: Liked(0, 5));
        Assert.Equal(expected, comparison.Personal, 1e-6);
    }

    [Fact]
    public void Of_NoOtherRequestOrOneAlike_SaysNothingOfTheUser()
    {
        Assert.Equal(double.NaN, SlateComparison.Of(Liked(5, 0), Liked(5, 0)).Personal);
        Assert.Equal(double.NaN, SlateComparison.Of(Liked(5, 0), Liked(5, 0), another: Liked(5, 0)).Personal);
        Assert.Equal(double.NaN, SlateComparison.Of(Liked(0.4, 0), Liked(0.4, 0), another: Liked(0, 0.4)).Personal);
    }

    private static RankedSlate Liked(double byOne, double byOther) => Rank(i => i <= 10 ? byOne : i <= 20 ? byOther : 0, slateSize: 10, items: 40, mask: null);

    internal static SlateComparison Compare(Func<int, double> first, Func<int, double> second, int slateSize, int items, ItemMask? mask = null) =>
        SlateComparison.Of(Rank(first, slateSize, items, mask), Rank(second, slateSize, items, mask));

    private static RankedSlate Rank(Func<int, double> logit, int slateSize, int items, ItemMask? mask)
    {
        var catalogue = Catalogue.Create([.. Enumerable.Range(1, items).Select(TestModel.IdOf)], new Dictionary<string, IReadOnlyList<string>>());
        return RankedSlate.Of(catalogue, [float.NegativeInfinity, .. Enumerable.Range(1, items).Select(i => (float)logit(i))], mask, slateSize);
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
