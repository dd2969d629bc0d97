using RecoServe.Engine.Packages;
using RecoServe.Trainer.Models;
using static RecoServe.Trainer.Onnx.TensorProto.Types;

namespace RecoServe.Trainer.Export;

/// <summary>A <see cref="GruNetwork"/> as the two graphs of a model package, without dropout.</summary>
internal static class GruGraphs
{
    /// <summary>Writes <c>encoder.onnx</c>: items, lengths and context → state.</summary>
    public static void WriteEncoder(GruNetwork network, string path)
    {
        var (shape, graph) = (network.Shape, new GraphBuilder("encoder"));
        var items = graph.Input(PackageFiles.ItemsInput, DataType.Int32, "batch", "length");
        var lengths = graph.Input(PackageFiles.LengthsInput, DataType.Int32, "batch");
        var matrix = graph.External(PackageFiles.ItemMatrixInitializer, PackageFiles.ItemMatrix, shape.ItemCount + 1, shape.Dimension);

        // ONNX's GRU reads time first. The indexes are transposed before the lookup: d times less to move than after it.
        var steps = graph.Node("Transpose", [items], ["items_by_step"], ("perm", new long[] { 1, 0 }));
        var sequence = graph.Node("Gather", [matrix, steps], ["sequence_0"]);
        for (var layer = 0; layer < shape.Layers - 1; layer++)
        {
            graph.Node("GRU", Gru(graph, network, layer, sequence, lengths), [$"directions_{layer}"], ("hidden_size", shape.Dimension), ("linear_before_reset", 1));
            sequence = graph.Node("Squeeze", [$"directions_{layer}", graph.Constant($"direction_{layer}", 1, 1)], [$"sequence_{layer + 1}"]);
        }

        graph.Node("GRU", Gru(graph, network, shape.Layers - 1, sequence, lengths), ["", "last"], ("hidden_size", shape.Dimension), ("linear_before_reset", 1));
        var read = shape.ContextSizes.Count == 0 ? PackageFiles.State : "read_state";
        graph.Node("Squeeze", ["last", graph.Constant("direction", 0, 1)], [read]);
        Fuse(graph, network, read);
        graph.Output(PackageFiles.State, "batch", shape.Dimension);
        graph.Write(path);
    }

    /// <summary>Writes <c>scorer.onnx</c>: state → logits.</summary>
    public static void WriteScorer(GruShape shape, string path)
    {
        var graph = new GraphBuilder("scorer");
        var state = graph.Input(PackageFiles.State, DataType.Float, "batch", shape.Dimension);
        var matrix = graph.External(PackageFiles.ItemMatrixInitializer, PackageFiles.ItemMatrix, shape.ItemCount + 1, shape.Dimension);
        var bias = graph.External(PackageFiles.ItemBiasInitializer, PackageFiles.ItemBias, shape.ItemCount + 1);
        graph.Node("Gemm", [state, matrix, bias], [PackageFiles.Logits], ("transB", 1));
        graph.Output(PackageFiles.Logits, "batch", shape.ItemCount + 1);
        graph.Write(path);
    }

    /// <summary>The inputs of a GRU node; torch has the gates in the order r, z, n and ONNX in the order z, r, h.</summary>
    private static string[] Gru(GraphBuilder graph, GruNetwork network, int layer, string sequence, string lengths)
    {
        var d = network.Shape.Dimension;
        return
        [
            sequence,
            graph.Weight($"w_{layer}", OnnxGates($"weight_ih_l{layer}"), 1, 3 * d, d),
            graph.Weight($"r_{layer}", OnnxGates($"weight_hh_l{layer}"), 1, 3 * d, d),
            graph.Weight($"b_{layer}", [.. OnnxGates($"bias_ih_l{layer}"), .. OnnxGates($"bias_hh_l{layer}")], 1, 6 * d),
            lengths,
        ];

        float[] OnnxGates(string name)
        {
            var torch = NetworkScorer.Floats(network.GruWeight(name));
            var gate = torch.Length / 3;
            return [.. torch[gate..(2 * gate)], .. torch[..gate], .. torch[(2 * gate)..]];
        }
    }

    /// <summary>state · (1 + Σ w(context)).</summary>
    private static void Fuse(GraphBuilder graph, GruNetwork network, string read)
    {
        var sizes = network.Shape.ContextSizes;
        if (sizes.Count == 0)
            return;
        var context = graph.Input(PackageFiles.ContextInput, DataType.Int32, "batch", sizes.Count);
        var factor = "";
        for (var f = 0; f < sizes.Count; f++)
        {
            var table = graph.Weight($"context_{f}", NetworkScorer.Floats(network.ContextMatrix(f)), sizes[f] + 1, network.Shape.Dimension);
            var codes = graph.Node("Gather", [context, graph.Constant($"field_{f}", f)], [$"codes_{f}"], ("axis", 1));
            var rows = graph.Node("Gather", [table, codes], [$"rows_{f}"]);
            factor = f == 0 ? rows : graph.Node("Add", [factor, rows], [$"sum_{f}"]);
        }

        factor = graph.Node("Add", [factor, graph.Weight("one", [1f], 1)], ["factor"]);
        graph.Node("Mul", [read, factor], [PackageFiles.State]);
    }
}
