using System.Runtime.InteropServices;
using Google.Protobuf;
using RecoServe.Trainer.Models;
using RecoServe.Trainer.Onnx;
using TorchSharp.Modules;

namespace RecoServe.Trainer.Export;

/// <summary>Puts an ONNX graph together, node by node in the order of computation (opset 17, IR version 8).</summary>
/// <param name="name">The graph's name.</param>
internal sealed class GraphBuilder(string name)
{
    private readonly GraphProto _graph = new() { Name = name };
    private int _unnamed;

    /// <summary>Declares an input; a dimension is a number, or a name if it is free.</summary>
    /// <returns>The input's name.</returns>
    public string Input(string input, TensorProto.Types.DataType type, params object[] shape)
    {
        _graph.Input.Add(Value(input, type, shape));
        return input;
    }

    /// <summary>Declares an output.</summary>
    public void Output(string output, params object[] shape) => _graph.Output.Add(Value(output, TensorProto.Types.DataType.Float, shape));

    /// <summary>Adds a weight whose numbers lie in the graph.</summary>
    /// <returns>The weight's name.</returns>
    public string Weight(string weight, ReadOnlySpan<float> values, params ReadOnlySpan<long> shape)
    {
        var tensor = new TensorProto
        {
            Name = weight,
            DataType = (int)TensorProto.Types.DataType.Float,
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values)),
        };
        tensor.Dims.AddRange(shape.ToArray());
        _graph.Initializer.Add(tensor);
        return weight;
    }

    /// <summary>Adds a linear layer's weight, [inputs, outputs] as <c>MatMul</c> wants it; torch has it the other way round.</summary>
    /// <returns>The weight's name.</returns>
    public string Transposed(string weight, Linear linear)
    {
        using var view = linear.weight!.t();
        using var transposed = view.contiguous();
        return Weight(weight, NetworkScorer.Floats(transposed), transposed.shape);
    }

    /// <summary>Adds a constant of whole numbers: a vector, or a scalar if <paramref name="shape"/> is empty.</summary>
    /// <returns>The constant's name.</returns>
    public string Constant(string constant, long value, params ReadOnlySpan<long> shape) => Whole(constant, [value], shape);

    /// <summary>Adds a constant vector of whole numbers.</summary>
    /// <returns>The constant's name.</returns>
    public string Vector(string constant, params ReadOnlySpan<long> values) => Whole(constant, values, [values.Length]);

    /// <summary>Adds a float32 weight whose numbers lie in a file beside the graph.</summary>
    /// <returns>The weight's name.</returns>
    public string External(string weight, string file, params ReadOnlySpan<long> shape)
    {
        var tensor = new TensorProto
        {
            Name = weight,
            DataType = (int)TensorProto.Types.DataType.Float,
            DataLocation = TensorProto.Types.DataLocation.External,
        };
        tensor.Dims.AddRange(shape.ToArray());
        var bytes = tensor.Dims.Aggregate((long)sizeof(float), (product, n) => product * n);
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = file });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = "0" });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = $"{bytes}" });
        _graph.Initializer.Add(tensor);
        return weight;
    }

    /// <summary>Adds an operator.</summary>
    /// <param name="op">The ONNX operator.</param>
    /// <param name="inputs">Its inputs; empty for one that is left out.</param>
    /// <param name="output">Its output, or several, the left out ones empty.</param>
    /// <param name="attributes">Its attributes that are not the default: whole numbers or vectors of them.</param>
    /// <returns>The last output.</returns>
    public string Node(string op, ReadOnlySpan<string> inputs, string[] output, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = output[^1] };
        node.Input.AddRange(inputs.ToArray());
        node.Output.AddRange(output);
        node.Attribute.AddRange(attributes.Select(a => a.Value is long[] vector
            ? new AttributeProto { Name = a.Name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { vector } }
            : new AttributeProto { Name = a.Name, Type = AttributeProto.Types.AttributeType.Int, I = (int)a.Value }));
        _graph.Node.Add(node);
        return output[^1];
    }

    /// <summary>Adds an operator with one output, whose name is of no interest.</summary>
    /// <returns>The output.</returns>
    public string Apply(string op, ReadOnlySpan<string> inputs, params (string Name, object Value)[] attributes) =>
        Node(op, inputs, [$"{op.ToLowerInvariant()}_{++_unnamed}"], attributes);

    /// <summary>Writes the model.</summary>
    public void Write(string path)
    {
        var model = new ModelProto
        {
            IrVersion = 8,
            ProducerName = "recotrain",
            ProducerVersion = typeof(GraphBuilder).Assembly.GetName().Version!.ToString(3),
            Graph = _graph,
            OpsetImport = { new OperatorSetIdProto { Version = 17 } },
        };
        using var file = File.Create(path);
        model.WriteTo(file);
    }

    private string Whole(string constant, ReadOnlySpan<long> values, ReadOnlySpan<long> shape)
    {
        var tensor = new TensorProto
        {
            Name = constant,
            DataType = (int)TensorProto.Types.DataType.Int64,
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values)),
        };
        tensor.Dims.AddRange(shape.ToArray());
        _graph.Initializer.Add(tensor);
        return constant;
    }

    private static ValueInfoProto Value(string name, TensorProto.Types.DataType type, object[] shape)
    {
        var dimensions = new TensorShapeProto();
        dimensions.Dim.AddRange(shape.Select(n => n is string free
            ? new TensorShapeProto.Types.Dimension { DimParam = free }
            : new TensorShapeProto.Types.Dimension { DimValue = (int)n }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = dimensions } },
        };
    }
}
