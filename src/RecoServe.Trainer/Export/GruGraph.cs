using RecoServe.Engine.Packages;
using RecoServe.Trainer.Models;

namespace RecoServe.Trainer.Export;

/// <summary>A <see cref="GruEncoder"/> in ONNX.</summary>
internal static class GruGraph
{
    /// <summary>Adds the layers.</summary>
    /// <param name="graph">Has the inputs of an encoder.</param>
    /// <param name="encoder">The weights.</param>
    /// <param name="lookup">Adds the lookup of item vectors, given the name of the indexes.</param>
    /// <param name="state">The output's name: [batch, d], the state of each row's last step.</param>
    public static void Add(GraphBuilder graph, GruEncoder encoder, Func<string, string> lookup, string state)
    {
        // ONNX's GRU reads time first. The indexes are transposed before the lookup: d times less to move than after it.
        var sequence = lookup(graph.Node("Transpose", [PackageFiles.ItemsInput], ["items_by_step"], ("perm", new long[] { 1, 0 })));
        for (var layer = 0; layer < encoder.Layers - 1; layer++)
        {
            graph.Node("GRU", Inputs(graph, encoder, layer, sequence), [$"directions_{layer}"], ("hidden_size", encoder.Dimension), ("linear_before_reset", 1));
            sequence = graph.Node("Squeeze", [$"directions_{layer}", graph.Constant($"direction_{layer}", 1, 1)], [$"sequence_{layer + 1}"]);
        }

        graph.Node("GRU", Inputs(graph, encoder, encoder.Layers - 1, sequence), ["", "last"], ("hidden_size", encoder.Dimension), ("linear_before_reset", 1));
        graph.Node("Squeeze", ["last", graph.Constant("direction", 0, 1)], [state]);
    }

    /// <summary>The inputs of a GRU node; torch has the gates in the order r, z, n and ONNX in the order z, r, h.</summary>
    private static string[] Inputs(GraphBuilder graph, GruEncoder encoder, int layer, string sequence)
    {
        var d = encoder.Dimension;
        return
        [
            sequence,
            graph.Weight($"w_{layer}", OnnxGates($"weight_ih_l{layer}"), 1, 3 * d, d),
            graph.Weight($"r_{layer}", OnnxGates($"weight_hh_l{layer}"), 1, 3 * d, d),
            graph.Weight($"b_{layer}", [.. OnnxGates($"bias_ih_l{layer}"), .. OnnxGates($"bias_hh_l{layer}")], 1, 6 * d),
            PackageFiles.LengthsInput,
        ];

        float[] OnnxGates(string name)
        {
            var torch = NetworkScorer.Floats(encoder.Weight(name));
            var gate = torch.Length / 3;
            return [.. torch[gate..(2 * gate)], .. torch[..gate], .. torch[(2 * gate)..]];
        }
    }
}
