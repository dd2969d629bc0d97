using RecoServe.Engine.Packages;
using RecoServe.Trainer.Models;
using TorchSharp.Modules;

namespace RecoServe.Trainer.Export;

/// <summary>
/// A <see cref="CausalTransformer"/> in ONNX. Serving wants only each row's last state, so the last block has one query a row;
/// the blocks before it compute every step, those with a memory all segments at once.
/// </summary>
/// <param name="graph">Has the inputs of an encoder.</param>
internal sealed class TransformerGraph(GraphBuilder graph)
{
    private string _length = "";
    private string _steps = "";
    private string _last = "";
    private string _farthest = "";
    private string _causal = "";
    private string _visible = "";

    /// <summary>Adds the encoder.</summary>
    /// <param name="encoder">The weights.</param>
    /// <param name="vectors">Item vectors [batch, length, d].</param>
    /// <param name="state">The output's name: [batch, d], the state of each row's last step.</param>
    public void Add(CausalTransformer encoder, string vectors, string state)
    {
        var length = graph.Apply("Shape", [PackageFiles.ItemsInput], ("start", 1), ("end", 2));
        var memory = encoder.modules().OfType<SegmentAttention>().FirstOrDefault()?.Segment;
        AddMasks(length, memory);
        var x = vectors;
        if (encoder.Positions is { } positions)
        {
            var table = graph.Weight("positions", NetworkScorer.Floats(positions), positions.shape);
            x = graph.Apply("Add", [x, graph.Apply("Slice", [table, graph.Vector("from_0", 0), length])]);
        }

        for (var b = 0; b < encoder.Blocks.Count; b++)
        {
            var isLast = b == encoder.Blocks.Count - 1;
            x = encoder.Blocks[b] is LigrBlock ligr ? Ligr(ligr, $"block_{b}", x, isLast) : Sasrec((SasrecBlock)encoder.Blocks[b], $"block_{b}", x, isLast);
        }

        graph.Node("Squeeze", [Norm(encoder.LastNorm, "last_norm", x), graph.Vector("step_axis", 1)], [state]);
    }

    /// <summary>
    /// What a step sees: in a full block the steps up to itself, and in the last block a row's steps before its padding; with a memory, of
    /// these what is not older than the segment before.
    /// </summary>
    private void AddMasks(string length, int? memory)
    {
        var zero = graph.Constant("zero", 0);
        var steps = graph.Apply("Range", [zero, graph.Apply("Squeeze", [length]), graph.Constant("one_step", 1)]);
        var lengths = graph.Apply("Cast", [PackageFiles.LengthsInput], ("to", (int)Onnx.TensorProto.Types.DataType.Int64));
        var axis = graph.Vector("new_last_axis", 1);
        (_length, _steps) = (length, steps);
        _last = graph.Apply("Unsqueeze", [graph.Apply("Sub", [lengths, "one_step"]), axis]);
        _causal = graph.Apply("LessOrEqual", [steps, graph.Apply("Unsqueeze", [steps, axis])]);
        var visible = graph.Apply("Less", [steps, graph.Apply("Unsqueeze", [lengths, axis])]);
        if (memory is { } segment)
        {
            _farthest = graph.Constant("farthest", (2 * segment) - 1);
            var size = graph.Constant("segment", segment);
            var reached = graph.Apply("Add", [graph.Apply("Div", [steps, size]), "one_step"]);
            _causal = graph.Apply("And", [_causal, graph.Apply("GreaterOrEqual", [reached, graph.Apply("Unsqueeze", [graph.Apply("Div", [steps, size]), axis])])]);
            visible = graph.Apply("And", [visible, graph.Apply("GreaterOrEqual", [reached, graph.Apply("Div", [_last, size])])]);
        }

        _visible = graph.Apply("Unsqueeze", [visible, graph.Vector("head_and_query_axes", 1, 2)]);
        graph.Weight("hidden", [float.NegativeInfinity]);
    }

    private string Sasrec(SasrecBlock block, string name, string x, bool isLast)
    {
        var queries = Norm(block.AttentionNorm, $"{name}.attention_norm", x);
        if (isLast)
            queries = LastStep(queries);
        var attended = graph.Apply("Add", [queries, Attend(block.Attention, $"{name}.attention", queries, x, isLast)]);
        var y = Norm(block.ForwardNorm, $"{name}.forward_norm", attended);
        var inner = graph.Apply("Relu", [Linear(block.Inner, $"{name}.inner", y)]);
        return graph.Apply("Add", [y, Linear(block.Outer, $"{name}.outer", inner)]);
    }

    private string Ligr(LigrBlock block, string name, string x, bool isLast)
    {
        var normed = Norm(block.AttentionNorm, $"{name}.attention_norm", x);
        var queries = isLast ? LastStep(normed) : normed;
        if (isLast)
            x = LastStep(x);
        x = Gated(block.AttentionGate, $"{name}.attention_gate", x, Attend(block.Attention, $"{name}.attention", queries, normed, isLast));
        var inner = Linear(block.Inner, $"{name}.inner", Norm(block.ForwardNorm, $"{name}.forward_norm", x));
        var halves = new[] { $"{name}.inner_gate", $"{name}.inner_value" };
        graph.Node("Split", [inner], halves, ("axis", -1));
        var silu = graph.Apply("Mul", [halves[0], graph.Apply("Sigmoid", [halves[0]])]);
        var branch = Linear(block.Outer, $"{name}.outer", graph.Apply("Mul", [silu, halves[1]]));
        return Gated(block.ForwardGate, $"{name}.forward_gate", x, branch);
    }

    /// <summary>x + σ(gate x) ⊙ branch.</summary>
    private string Gated(Linear gate, string name, string x, string branch) =>
        graph.Apply("Add", [x, graph.Apply("Mul", [graph.Apply("Sigmoid", [Linear(gate, name, x)]), branch])]);

    private string Attend(CausalAttention attention, string name, string asking, string asked, bool isLast)
    {
        var d = attention.Output.weight!.shape[0];
        var byHead = graph.Vector($"{name}.by_head", 0, 0, attention.Heads, d / attention.Heads);
        var joined = graph.Vector($"{name}.joined", 0, 0, d);
        var keyValue = new[] { $"{name}.keys", $"{name}.values" };
        graph.Node("Split", [Linear(attention.KeyValue, $"{name}.key_value", asked)], keyValue, ("axis", -1));
        var queries = Heads(Linear(attention.Query, $"{name}.query", asking), 0, 2, 1, 3);
        var scale = graph.Weight($"{name}.scale", [1 / MathF.Sqrt(d / attention.Heads)]);
        var keys = Heads(keyValue[0], 0, 2, 3, 1);
        var scores = attention is SegmentAttention segments
            ? graph.Apply("Add", [Compare(segments.ContentBias, "content_bias", keys), ByDistance(segments)])
            : graph.Apply("MatMul", [graph.Apply("Mul", [queries, scale]), keys]);
        var seen = graph.Apply("Where", [isLast ? _visible : _causal, scores, "hidden"]);
        var values = graph.Apply("MatMul", [graph.Apply("Softmax", [seen]), Heads(keyValue[1], 0, 2, 1, 3)]);
        var together = graph.Apply("Reshape", [graph.Apply("Transpose", [values], ("perm", new long[] { 0, 2, 1, 3 })), joined]);
        return Linear(attention.Output, $"{name}.output", together);

        // (query + bias) · key / √width.
        string Compare(TorchSharp.torch.Tensor bias, string biasName, string with)
        {
            var added = graph.Weight($"{name}.{biasName}", NetworkScorer.Floats(bias), attention.Heads, 1, d / attention.Heads);
            return graph.Apply("MatMul", [graph.Apply("Mul", [graph.Apply("Add", [queries, added]), scale]), with]);
        }

        string ByDistance(SegmentAttention segments)
        {
            using var vectors = segments.Distances(2 * segments.Segment).detach();
            var table = graph.Weight($"{name}.distances", NetworkScorer.Floats(vectors), vectors.shape);
            if (isLast)
                return Compare(segments.DistanceBias, "distance_bias", Heads(Near(table, graph.Apply("Sub", [_last, _steps])), 0, 2, 3, 1));

            // Distances farthest first, then a row of them is read as one that is longer by one, so that each begins one earlier: by key.
            var farthestFirst = Near(table, graph.Apply("Sub", [graph.Apply("Sub", [_length, "one_step"]), _steps]));
            var near = Heads(graph.Apply("Unsqueeze", [farthestFirst, graph.Vector($"{name}.batch_axis", 0)]), 0, 2, 3, 1);
            var compared = Compare(segments.DistanceBias, "distance_bias", near);
            var padded = graph.Apply("Pad", [compared, graph.Vector($"{name}.before_each", 0, 0, 0, 1, 0, 0, 0, 0)]);
            var shape = graph.Node("Concat", [graph.Vector($"{name}.rows_and_more", 0, 0, -1), _length], [$"{name}.longer_rows"], ("axis", 0));
            return graph.Apply("Slice", [
                graph.Apply("Reshape", [padded, shape]), graph.Vector($"{name}.from_1", 1), graph.Vector($"{name}.to_end", int.MaxValue), graph.Vector($"{name}.row_axis", 2)]);
        }

        string Near(string table, string distances) =>
            graph.Apply("Gather", [table, graph.Apply("Min", [graph.Apply("Max", [distances, "zero"]), _farthest])]);

        string Heads(string x, params long[] order) => graph.Apply("Transpose", [graph.Apply("Reshape", [x, byHead])], ("perm", order));
    }

    /// <summary>[batch, length, d] → [batch, 1, d]: each row's last step.</summary>
    private string LastStep(string x) => graph.Apply(
        "Unsqueeze", [graph.Apply("GatherND", [x, _last], ("batch_dims", 1)), "new_last_axis"]);

    private string Norm(LayerNorm norm, string name, string x)
    {
        var d = norm.weight!.shape[0];
        var weight = graph.Weight($"{name}.weight", NetworkScorer.Floats(norm.weight!), d);
        var bias = graph.Weight($"{name}.bias", NetworkScorer.Floats(norm.bias!), d);
        return graph.Apply("LayerNormalization", [x, weight, bias]);
    }

    private string Linear(Linear linear, string name, string x)
    {
        var bias = graph.Weight($"{name}.bias", NetworkScorer.Floats(linear.bias!), linear.bias!.shape);
        return graph.Apply("Add", [graph.Apply("MatMul", [x, graph.Transposed($"{name}.weight", linear)]), bias]);
    }
}
