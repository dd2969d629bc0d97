using RecoServe.Engine.Packages;
using RecoServe.Trainer.Data;
using RecoServe.Trainer.Models;
using static TorchSharp.torch;

namespace RecoServe.Trainer.Tests.Models;

[Collection(Torch.Collection)]
public sealed class ItemVectorsTests
{
    private static readonly Catalogue Items = Catalogue.Create(
        ["a", "b", "c"], new Dictionary<string, IReadOnlyList<string>> { ["category"] = ["red|blue", "", "blue"], ["language"] = ["en", "en", "fr"] });

    [Fact]
    public void Read_Attribute_HasEveryItemsValues()
    {
        var feature = ItemFeature.Read(Items, "category");
        Assert.Equal(2, feature.Values);
        Assert.Equal([0, 1, 1], feature.Codes);
        Assert.Equal([0, 0, 2, 2, 3], feature.Starts);
        var e = Assert.Throws<DataException>(() => ItemFeature.Read(Items, "author"));
        Assert.Equal("--item-feature author: the items have no attribute of this name; they have category, language", e.Message);
    }

    [Fact]
    public void Compose_Features_AddsTheMeanOfTheValues()
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors(OutputVectors.Tied);
        var own = vectors.Input.detach().clone();
        Set(vectors, 0, [[1, 2], [3, 6]]);
        Set(vectors, 1, [[10, 20], [100, 200]]);
        vectors.Compose();
        var added = (vectors.Input - own).detach();
        Assert.Equal([0, 0, 12, 24, 10, 20, 103, 206], added.flatten().data<float>().ToArray(), (x, y) => Math.Abs(x - y) < 1e-4);
        Assert.Equal(vectors.Input.data<float>().ToArray(), vectors.Output.data<float>().ToArray());
    }

    [Fact]
    public void SpreadGradient_Composed_ReachesItemsAndValues()
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors(OutputVectors.Tied);
        var weights = vectors.Modules.SelectMany(m => m.Module.parameters()).ToArray();
        foreach (var weight in weights)
            weight.grad = zeros_like(weight);
        float[] gradient = [0, 0, 1, 2, 3, 4, 5, 6];
        vectors.Input.grad!.copy_(tensor(gradient, 4, 2));
        vectors.SpreadGradient();
        Assert.Equal(gradient, weights[0].grad!.data<float>().ToArray());
        Assert.Equal([0.5f, 1, 5.5f, 7], weights[1].grad!.data<float>().ToArray());
        Assert.Equal([4, 6, 5, 6], weights[2].grad!.data<float>().ToArray());
        Assert.Equal(0, vectors.Input.grad!.abs().max().item<float>());
    }

    [Fact]
    public void Output_Separate_HasNoFeatures()
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors(OutputVectors.Separate);
        var output = vectors.Output.detach().clone();
        Assert.NotEqual(vectors.Input.data<float>().ToArray(), output.data<float>().ToArray());
        Set(vectors, 0, [[1, 2], [3, 6]]);
        vectors.Compose();
        Assert.Equal(output.data<float>().ToArray(), vectors.Output.data<float>().ToArray());
        Assert.Equal(["items", "output_items", "item_feature_0", "item_feature_1"], vectors.Modules.Select(m => m.Name));
    }

    [Fact]
    public void Network_ComposedOrAbsentWeights_AreNoneOfItsParameters()
    {
        using var network = new NextWatchNetwork(Shape(OutputVectors.Separate) with { ItemBias = false, Kind = NetworkKind.Sasrec, MaxHistory = 3 }, 0);
        Assert.Equal(
            ["items.weight", "output_items.weight", "item_feature_0.weight", "item_feature_1.weight"],
            network.named_parameters().Select(p => p.name).Where(n => n.Contains("item", StringComparison.Ordinal)));
        Assert.Equal(network.parameters().Count(), network.parameters().Select(p => p.Handle).Distinct().Count());
    }

    private static NetworkShape Shape(OutputVectors output) => new(3, 2, 1, [])
    {
        Output = output,
        ItemFeatures = [ItemFeature.Read(Items, "category"), ItemFeature.Read(Items, "language")],
    };

    private static ItemVectors Vectors(OutputVectors output)
    {
        manual_seed(4).Dispose();
        return new ItemVectors(Shape(output));
    }

    private static void Set(ItemVectors vectors, int feature, float[][] values)
    {
        using var guard = no_grad();
        vectors.Modules.Single(m => m.Name == $"item_feature_{feature}").Module.parameters().Single().copy_(tensor(values.SelectMany(v => v).ToArray(), values.Length, 2));
    }
}
