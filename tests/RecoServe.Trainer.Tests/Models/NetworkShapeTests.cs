using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Tests.Models;

public sealed class NetworkShapeTests
{
    private static readonly ItemFeature Feature = new(2, [0, 1, 0], [0, 0, 1, 2, 3]);
    private static readonly NetworkShape Shape = new(3, 8, 1, [2]) { Kind = NetworkKind.Sasrec, MaxHistory = 20, ItemFeatures = [Feature] };

    [Fact]
    public void DifferencesTo_OtherWeights_NamesEach()
    {
        Assert.Equal("--layers 1, not 2", Difference(Shape with { Layers = 2 }));
        Assert.Equal("--network sasrec, not ligr", Difference(Shape with { Kind = NetworkKind.Ligr }));
        Assert.Equal("--state-dimension 8, not 16", Difference(Shape with { StateDimension = 16 }));
        Assert.Equal("--heads 1, not 2", Difference(Shape with { Heads = 2 }));
        Assert.Equal("--max-history 20, not 30", Difference(Shape with { MaxHistory = 30 }));
        Assert.Equal("--scale-input false, not true", Difference(Shape with { ScaleInput = true }));
        Assert.Equal("--output tied, not separate", Difference(Shape with { Output = OutputVectors.Separate }));
        Assert.Equal("--item-bias true, not false", Difference(Shape with { ItemBias = false }));
        Assert.Equal("--time-gaps false, not true", Difference(Shape with { TimeGaps = true }));
        Assert.Equal("--history-context false, not true", Difference(Shape with { HistoryContext = true }));
        Assert.Equal("--context-fusion multiply, not add", Difference(Shape with { Fusion = ContextFusion.Add }));
        Assert.Equal("--item-feature 1, not 0", Difference(Shape with { ItemFeatures = [] }));
        Assert.Equal(
            "--item-feature of other attributes, or of items with other values of them",
            Difference(Shape with { ItemFeatures = [Feature with { Codes = [0, 1, 1] }] }));
        Assert.Equal(["--memory 0, not 5", "--max-history 20, not 0"], Shape.DifferencesTo(Shape with { Memory = 5 }));
    }

    [Fact]
    public void DifferencesTo_SameWeights_AreNone()
    {
        Assert.Empty(Shape.DifferencesTo(Shape with { SparseGradients = true, StateDimension = 8, ContextSizes = [2], ItemFeatures = [Feature with { Codes = [0, 1, 0] }] }));
        var gru = Shape with { Kind = NetworkKind.Gru };
        Assert.Empty(gru.DifferencesTo(gru with { MaxHistory = 30 }));
    }

    private static string Difference(NetworkShape other) => Assert.Single(Shape.DifferencesTo(other));
}
