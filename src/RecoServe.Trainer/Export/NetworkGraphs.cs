using RecoServe.Engine.Packages;
using RecoServe.Trainer.Models;
using static RecoServe.Trainer.Onnx.TensorProto.Types;

namespace RecoServe.Trainer.Export;

/// <summary>A <see cref="NextWatchNetwork"/> as the two graphs of a model package, without dropout.</summary>
internal static class NetworkGraphs
{
    /// <summary>Writes <c>encoder.onnx</c>: items, lengths, time gaps, contexts of watches and context → state.</summary>
    public static void WriteEncoder(NextWatchNetwork network, string path)
    {
        var (shape, graph) = (network.Shape, new GraphBuilder("encoder"));
        graph.Input(PackageFiles.ItemsInput, DataType.Int32, "batch", "length");
        graph.Input(PackageFiles.LengthsInput, DataType.Int32, "batch");
        if (shape.TimeGaps)
            graph.Input(PackageFiles.GapsInput, DataType.Int32, "batch", "length");
        if (shape.HistoryContext)
            graph.Input(PackageFiles.HistoryContextInput, DataType.Int32, "batch", "length", shape.ContextSizes.Count);
        var matrix = shape.Output == OutputVectors.Tied
            ? graph.External(PackageFiles.ItemMatrixInitializer, PackageFiles.ItemMatrix, shape.ItemCount + 1, shape.Dimension)
            : graph.Weight("input_matrix", NetworkScorer.Floats(network.Items.Input), shape.ItemCount + 1, shape.Dimension);
        var state = shape.ContextSizes.Count == 0 ? PackageFiles.State : "read_state";
        Read(graph, network, matrix, state);
        Fuse(graph, network, state);
        graph.Output(PackageFiles.State, "batch", shape.Dimension);
        graph.Write(path);
    }

    /// <summary>Writes <c>scorer.onnx</c>: state → logits.</summary>
    public static void WriteScorer(NetworkShape shape, string path)
    {
        var graph = new GraphBuilder("scorer");
        var state = graph.Input(PackageFiles.State, DataType.Float, "batch", shape.Dimension);
        var matrix = graph.External(PackageFiles.ItemMatrixInitializer, PackageFiles.ItemMatrix, shape.ItemCount + 1, shape.Dimension);
        var bias = graph.External(PackageFiles.ItemBiasInitializer, PackageFiles.ItemBias, shape.ItemCount + 1);
        graph.Node("Gemm", [state, matrix, bias], [PackageFiles.Logits], ("transB", 1));
        graph.Output(PackageFiles.Logits, "batch", shape.ItemCount + 1);
        graph.Write(path);
    }

    /// <summary>The encoder's part: from the graph's inputs to the state of each row's last step.</summary>
    private static void Read(GraphBuilder graph, NextWatchNetwork network, string matrix, string state)
    {
        var last = network.Narrow is null ? state : "wide_state";
        if (network.Encoder is GruEncoder gru)
            GruGraph.Add(graph, gru, items => Lookup(graph, network, matrix, items), last);
        else
            new TransformerGraph(graph).Add((CausalTransformer)network.Encoder, Lookup(graph, network, matrix, PackageFiles.ItemsInput), last);
        if (network.Narrow is not null)
            graph.Node("MatMul", [last, graph.Transposed("narrow", network.Narrow)], [state]);
    }

    /// <summary>Item vectors as the encoder reads them.</summary>
    private static string Lookup(GraphBuilder graph, NextWatchNetwork network, string matrix, string items)
    {
        var vectors = graph.Apply("Gather", [matrix, items]);
        if (network.Shape.ScaleInput)
            vectors = graph.Apply("Mul", [vectors, graph.Weight("input_scale", [MathF.Sqrt(network.Shape.Dimension)])]);
        if (network.GapMatrix is { } table)
            vectors = graph.Apply("Add", [vectors, Gaps(graph, table, items == PackageFiles.ItemsInput)]);
        for (var f = 0; network.Shape.HistoryContext && f < network.Shape.ContextSizes.Count; f++)
            vectors = graph.Apply("Add", [vectors, HistoryContext(graph, network, f, items == PackageFiles.ItemsInput)]);
        return network.Widen is null ? vectors : graph.Apply("MatMul", [vectors, graph.Transposed("widen", network.Widen)]);
    }

    /// <summary>Vectors of the gaps, in the order of the items: rows first, or steps first.</summary>
    private static string Gaps(GraphBuilder graph, TorchSharp.torch.Tensor table, bool rowsFirst)
    {
        var codes = rowsFirst ? PackageFiles.GapsInput : graph.Apply("Transpose", [PackageFiles.GapsInput], ("perm", new long[] { 1, 0 }));
        return graph.Apply("Gather", [graph.Weight("time_gaps", NetworkScorer.Floats(table), table.shape), codes]);
    }

    /// <summary>Vectors of the values of a context field, in the order of the items.</summary>
    private static string HistoryContext(GraphBuilder graph, NextWatchNetwork network, int field, bool rowsFirst)
    {
        var table = network.HistoryContextMatrix(field);
        var codes = graph.Node("Gather", [PackageFiles.HistoryContextInput, graph.Constant($"watched_field_{field}", field)], [$"watched_codes_{field}"], ("axis", 2));
        if (!rowsFirst)
            codes = graph.Apply("Transpose", [codes], ("perm", new long[] { 1, 0 }));
        return graph.Apply("Gather", [graph.Weight($"history_context_{field}", NetworkScorer.Floats(table), table.shape), codes]);
    }

    /// <summary>state · (1 + Σ w(context)), or state + Σ w(context).</summary>
    private static void Fuse(GraphBuilder graph, NextWatchNetwork network, string read)
    {
        var sizes = network.Shape.ContextSizes;
        if (sizes.Count == 0)
            return;
        var context = graph.Input(PackageFiles.ContextInput, DataType.Int32, "batch", sizes.Count);
        var total = "";
        for (var f = 0; f < sizes.Count; f++)
        {
            var table = graph.Weight($"context_{f}", NetworkScorer.Floats(network.ContextMatrix(f)), sizes[f] + 1, network.Shape.Dimension);
            var codes = graph.Node("Gather", [context, graph.Constant($"field_{f}", f)], [$"codes_{f}"], ("axis", 1));
            var rows = graph.Node("Gather", [table, codes], [$"rows_{f}"]);
            total = f == 0 ? rows : graph.Node("Add", [total, rows], [$"sum_{f}"]);
        }

        if (network.Shape.Fusion == ContextFusion.Add)
            graph.Node("Add", [read, total], [PackageFiles.State]);
        else
            graph.Node("Mul", [read, graph.Node("Add", [total, graph.Weight("one", [1f], 1)], ["factor"])], [PackageFiles.State]);
    }
}
