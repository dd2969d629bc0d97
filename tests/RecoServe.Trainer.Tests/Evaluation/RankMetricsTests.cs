using RecoServe.Trainer.Evaluation;

namespace RecoServe.Trainer.Tests.Evaluation;

public sealed class RankMetricsTests
{
    private static readonly RankingOptions Options = new() { HitCutoffs = [2, 5], NdcgCutoffs = [2, 5], PrecisionCutoffs = [2, 5] };

    [Fact]
    public void Of_OneRelevantItem_IsTheFamiliarDefinition()
    {
        var values = Values([0, 1, 2, 3], [1, 4, double.PositiveInfinity]);

        Assert.Equal(1 / 3.0, values["HR@2"]);
        Assert.Equal(2 / 3.0, values["HR@5"]);
        Assert.Equal((1 + (1 / Math.Log2(5))) / 3, values["NDCG@5"], 15);
        Assert.Equal(1.25 / 3, values["MAP@5"], 15);
        Assert.Equal(1.25 / 3, values["MRR@5"], 15);
        Assert.Equal(1 / 3.0, values["MRR@2"], 15);
        Assert.Equal(1.25 / 3, values["MRR"], 15);
    }

    [Fact]
    public void Of_SeveralRelevantItems_DividesByWhatIsAchievable()
    {
        // Relevant at ranks 2, 3 and 7, given in another order.
        var values = Values([0, 3], [7, 2, 3]);

        Assert.Equal(1 / 3.0, values["HR@2"], 15);
        Assert.Equal(2 / 3.0, values["HR@5"], 15);
        Assert.Equal((1 / Math.Log2(3)) / (1 + (1 / Math.Log2(3))), values["NDCG@2"], 15);
        Assert.Equal(((1 / Math.Log2(3)) + 0.5) / (1 + (1 / Math.Log2(3)) + 0.5), values["NDCG@5"], 15);
        Assert.Equal((1 / 2.0) / 2, values["MAP@2"], 15);
        Assert.Equal(((1 / 2.0) + (2 / 3.0)) / 3, values["MAP@5"], 15);
        Assert.Equal(1 / 2.0, values["MRR"], 15);
    }

    private static Dictionary<string, double> Values(int[] starts, double[] ranks) =>
        RankMetrics.Of(starts, ranks, Options).ToDictionary(m => m.Name, m => m.Value);
}
