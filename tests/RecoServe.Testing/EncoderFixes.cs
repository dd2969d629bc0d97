using RecoServe.Engine.Packages;
using RecoServe.Trainer.Onnx;

namespace RecoServe.Testing;

/// <summary>Makes encoders of published packages worse, whatever network they are.</summary>
public static class EncoderFixes
{
    private const string Before = "state_before";
    private const string Added = "state_added";

    /// <summary>Makes the state NaN of every history with one of some items.</summary>
    public static void PoisonItems(string directory, Func<int, bool> isPoison)
    {
        var items = ModelManifest.Read(Path.Combine(directory, PackageFiles.Manifest)).ItemCount;
        var doses = Enumerable.Range(0, items + 1).Select(item => item > 0 && isPoison(item) ? float.NaN : 0).ToArray();
        Add(
            directory,
            [TestModel.Floats("doses", doses, doses.Length)],
            [TestModel.Node("Gather", "dose_of_item", "doses", PackageFiles.ItemsInput), TestModel.Node("ReduceSum", Added, "dose_of_item", "added_axis")]);
    }

    /// <summary>Has the encoder multiply every state by a matrix of so many columns, which changes nothing.</summary>
    public static void Burden(string directory, int columns)
    {
        var dimension = ModelManifest.Read(Path.Combine(directory, PackageFiles.Manifest)).Dimension;
        Add(
            directory,
            [TestModel.Floats("burden", new float[dimension * columns], dimension, columns)],
            [TestModel.Node("MatMul", "burdened", Before, "burden"), TestModel.Node("ReduceSum", Added, "burdened", "added_axis")]);
    }

    /// <summary>Adds one number to all of the state, [batch, 1], which nodes compute.</summary>
    private static void Add(string directory, TensorProto[] initializers, NodeProto[] nodes)
    {
        var path = Path.Combine(directory, PackageFiles.Encoder);
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        var graph = model.Graph;
        foreach (var node in graph.Node)
        {
            for (var o = 0; o < node.Output.Count; o++)
                node.Output[o] = node.Output[o] == PackageFiles.State ? Before : node.Output[o];
        }

        graph.Initializer.Add([.. initializers, TestModel.Axis(1, "added_axis")]);
        graph.Node.Add([.. nodes, TestModel.Node("Add", PackageFiles.State, Before, Added)]);
        TestModel.Save(path, model);
        PackageFixes.RewriteManifest(directory);
    }
}
