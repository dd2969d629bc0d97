using RecoServe.Trainer.Data;
using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

/// <summary>Every metric against values computed by hand on two users, five items and lists of two.</summary>
public sealed class ListMetricsTests
{
    // Item 1: a, 2: a and b, 3: b, 4: c, 5: none. Training: u0 watches 1 1 2, u1 watches 3 1.
    private static readonly Dictionary<string, IReadOnlyList<string>> Attributes = new()
    {
        ["category"] = ["a", "a|b", "b", "c", ""],
        ["language"] = ["en", "en", "de", "de", "en"],
        ["premium"] = ["true", "false", "true", "", "1"],
    };

    private static readonly WatchLog Log = Logs.Of(5, [[1, 1, 2, 4, 3], [3, 1, 2, 5]], null, null, Attributes);

    private readonly EvaluationSplit _split = new LeaveOneOutSplit(Log);
    private readonly RecommendedLists _lists = new(2, 2);

    public ListMetricsTests()
    {
        // The last watches before the test are 4 for u0, 2 for u1; the targets are 3 and 5.
        ((int[])[3, 5]).CopyTo(_lists.SlotsOf(0));
        ((int[])[3, 4]).CopyTo(_lists.SlotsOf(1));
    }

    [Fact]
    public void Of_WholeCatalogue_IsByHand()
    {
        Assert.Equal(3 / 5.0, Value("coverage@2"), 15);
        // Appearances 0 0 1 1 2: (−4·0 − 2·0 + 0·1 + 2·1 + 4·2) / (5 · 4).
        Assert.Equal(10 / 20.0, Value("gini@2"), 15);
        // Users by training: 1 has 2 of 2, 2 and 3 one of 2; 4 and 5 none, which counts as one.
        Assert.Equal(1, Value("MIUF@2"), 15);
    }

    [Fact]
    public void Of_ColdItems_AreThoseWithFewTrainingEvents()
    {
        // Training counts: 1 three times, 2 and 3 once, 4 and 5 never; cold is below 1. Ranks: 3 is second for u0, 5 first for u1.
        Assert.Equal((0.5 + 0.5) / 2, Value("cold_share@2"), 15);
        Assert.Equal(0.5, Value("cold_base_rate"), 15);
        Assert.Equal(1, Value("cold_HR@2"), 15);
        Assert.Equal(0, Metrics([2, 3]).Single(m => m.Name == "cold_HR@2").Value);
        Assert.True(double.IsNaN(Metrics([2, 3]).Single(m => m.Name == "cold_HR@2").PerQuestion![0]));
    }

    [Fact]
    public void Of_Categories_AreByHand()
    {
        // The pair 3, 5 has no distance, as 5 has no category; 3 and 4 have nothing in common.
        Assert.Equal(1, Value("diversity@2"), 15);
        Assert.Equal([double.NaN, 1], Of("diversity@2").PerQuestion!);
        // u0: history a a (a b)/2 c: p = (2.5, .5, 1) / 4; list b and nothing: q = (0, 1, 0).
        double[] p = [0.625, 0.125, 0.25];
        var u0 = p.Zip([0.0, 1, 0], (a, b) => a * Math.Log(a / ((0.99 * b) + (0.01 * a)))).Sum();
        // u1: history b a (a b)/2: p = (.5, .5, 0); list b c: q = (0, .5, .5).
        var u1 = (0.5 * Math.Log(0.5 / 0.005)) + (0.5 * Math.Log(0.5 / ((0.99 * 0.5) + 0.005)));
        Assert.Equal((u0 + u1) / 2, Value("calibration@2"), 12);
        // u0 came from c: neither 3 nor 5 is c. u1 came from a, b: 3 is b, 4 is not.
        Assert.Equal((0 + 0.5) / 2, Value("category_consistency@2"), 15);
        Assert.Equal((0 + (1 / (1 + (1 / Math.Log2(3))))) / 2, Value("category_consistency_by_slot@2"), 15);
        Assert.Equal(0, Value("category_base_rate"), 15);
    }

    [Fact]
    public void Of_LanguageAndPremium_AreByHand()
    {
        // u0 came from de: 3 is de, 5 is not; u1 from en: neither 3 nor 4. Watched next: 3 after de, 5 after en.
        Assert.Equal((0.5 + 0) / 2, Value("language_consistency@2"), 15);
        Assert.Equal(1, Value("language_base_rate"), 15);
        Assert.Equal((1 + 0.5) / 2, Value("premium_share@2"), 15);
        Assert.Equal((1 + (1 / (1 + (1 / Math.Log2(3))))) / 2, Value("premium_share_by_slot@2"), 15);
        Assert.Equal(1, Value("premium_base_rate"), 15);
    }

    [Fact]
    public void Calibration_ListLikeTheHistory_IsZero()
    {
        var categories = ItemCodes.Of(Log.Catalogue, "category")!;

        Assert.Equal(0, AttributeMetrics.Calibration(categories, [1, 3], [3, 1]), 15);
        Assert.Equal(double.NaN, AttributeMetrics.Calibration(categories, [5], [1]));
        Assert.Equal(0.5, AttributeMetrics.Diversity(categories, [1, 2]), 15);
    }

    [Fact]
    public void Gini_AllAlikeIsZero_OneOnlyIsAlmostOne()
    {
        Assert.Equal(0, ListMetrics.Gini([3, 3, 3, 3]), 15);
        Assert.Equal(0.75, ListMetrics.Gini([0, 9, 0, 0]), 15);
        Assert.Equal(0, ListMetrics.Gini([0, 0]));
    }

    [Fact]
    public void Of_ItemsWithoutAttributes_HasNoneOfTheirMetrics()
    {
        var split = new LeaveOneOutSplit(Logs.Of(5, [1, 1, 2, 4, 3], [3, 1, 2, 5]));

        Assert.DoesNotContain(ListMetrics.Of(split, split.HeldOutOf(SplitPart.Test), _lists, [2, 1], new RankingOptions()), m => m.Name.StartsWith("category", StringComparison.Ordinal));
    }

    [Fact]
    public void TopItems_AreTheBestUnseen_EqualScoresByIndex()
    {
        var list = new int[3];
        var top = new TopItems(6);

        top.Find([9, 1, 5, 3, 3, 3, 8], [6, 6], list);
        Assert.Equal([2, 3, 4], list);
        top.Find([9, 1, 5, double.NegativeInfinity, 7, 7, 8], [2, 1], list);
        Assert.Equal([6, 4, 5], list);
        top.Find([9, double.NegativeInfinity, 5, 1, 1, 1, 1], [3, 4, 5], list);
        Assert.Equal([2, 6, 0], list);
    }

    private double Value(string name) => Of(name).Value;

    private Metric Of(string name) => Metrics([2, 1]).Single(m => m.Name == name);

    private IEnumerable<Metric> Metrics(double[] ranks) =>
        ListMetrics.Of(_split, _split.HeldOutOf(SplitPart.Test), _lists, ranks, new RankingOptions { ColdBelow = 1 });
}
