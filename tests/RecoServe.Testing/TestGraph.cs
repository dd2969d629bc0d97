using RecoServe.Trainer.Onnx;

namespace RecoServe.Testing;

/// <summary>Small plain ONNX graphs whose answers can be computed by hand.</summary>
public static class TestGraph
{
    /// <summary>sum[n] = the sum of x[n, …] · <paramref name="factor"/>, and copy = x: float32 of any width.</summary>
    public static void PublishSum(string repository, string name, long version, float factor = 1, string width = "width")
    {
        var sum = TestModel.Node("ReduceSum", "total", "x", "axis");
        sum.Attribute.Add(TestModel.Attribute("keepdims", 0));
        Publish(repository, name, version, new GraphProto
        {
            Name = "sum",
            Input = { TestModel.Value("x", TensorProto.Types.DataType.Float, "batch", width) },
            Output = { TestModel.Value("sum", TensorProto.Types.DataType.Float, "batch"), TestModel.Value("copy", TensorProto.Types.DataType.Float, "batch", width) },
            Initializer = { TestModel.Axis(1), TestModel.Floats("factor", [factor], 1) },
            Node = { sum, TestModel.Node("Mul", "sum", "total", "factor"), TestModel.Node("Identity", "copy", "x") },
        });
    }

    /// <summary>y[n] = table[ids[n]] of entries 0, 10, 20 …: an id past them makes the run fail.</summary>
    public static void PublishGather(string repository, string name, long version, int entries = 10, string rows = "batch") => Publish(repository, name, version, new GraphProto
    {
        Name = "gather",
        Input = { TestModel.Value("ids", TensorProto.Types.DataType.Int64, rows) },
        Output = { TestModel.Value("y", TensorProto.Types.DataType.Float, rows) },
        Initializer = { TestModel.Floats("table", [.. Enumerable.Range(0, entries).Select(i => 10f * i)], entries) },
        Node = { TestModel.Node("Gather", "y", "table", "ids") },
    });

    /// <summary>y = x of one type, with rows first, or of a fixed shape.</summary>
    public static void PublishIdentity(string repository, string name, long version, int elementType, params string[] shape) => Publish(repository, name, version, new GraphProto
    {
        Name = "identity",
        Input = { TestModel.Value("x", (TensorProto.Types.DataType)elementType, shape) },
        Output = { TestModel.Value("y", (TensorProto.Types.DataType)elementType, shape) },
        Node = { TestModel.Node("Identity", "y", "x") },
    });

    /// <summary>A graph that says that its output leads with rows, and puts them out twice.</summary>
    public static void PublishLiar(string repository, string name, long version)
    {
        var twice = TestModel.Node("Concat", "y", "x", "x");
        twice.Attribute.Add(TestModel.Attribute("axis", 0));
        Publish(repository, name, version, new GraphProto
        {
            Name = "liar",
            Input = { TestModel.Value("x", TensorProto.Types.DataType.Float, "batch", "width") },
            Output = { TestModel.Value("y", TensorProto.Types.DataType.Float, "batch", "width") },
            Node = { twice },
        });
    }

    /// <summary>y = the columns of x that do not sum to 0: how many depends on the rows.</summary>
    public static void PublishCompress(string repository, string name, long version)
    {
        var (sum, cast, compress) = (
            TestModel.Node("ReduceSum", "sum", "x", "axis"), TestModel.Node("Cast", "keep", "sum"), TestModel.Node("Compress", "y", "x", "keep"));
        sum.Attribute.Add(TestModel.Attribute("keepdims", 0));
        cast.Attribute.Add(TestModel.Attribute("to", 9)); // BOOL
        compress.Attribute.Add(TestModel.Attribute("axis", 1));
        Publish(repository, name, version, new GraphProto
        {
            Name = "compress",
            Input = { TestModel.Value("x", TensorProto.Types.DataType.Float, "batch", "width") },
            Output = { TestModel.Value("y", TensorProto.Types.DataType.Float, "batch", "kept") },
            Initializer = { TestModel.Axis(0) },
            Node = { sum, cast, compress },
        });
    }

    /// <summary>y = how many tensors a sequence has.</summary>
    public static void PublishSequence(string repository, string name, long version) => Publish(repository, name, version, new GraphProto
    {
        Name = "sequence",
        // sequence_type { elem_type { tensor_type { elem_type: FLOAT } } }
        Input = { new ValueInfoProto { Name = "s", Type = TypeProto.Parser.ParseFrom([0x22, 6, 0x0A, 4, 0x0A, 2, 0x08, 1]) } },
        Output = { TestModel.Value("y", TensorProto.Types.DataType.Int64) },
        Node = { TestModel.Node("SequenceLength", "y", "s") },
    });

    private static void Publish(string repository, string name, long version, GraphProto graph)
    {
        var directory = Directory.CreateDirectory(Path.Combine(repository, name, version.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        TestModel.Write(Path.Combine(directory.FullName, "model.onnx"), graph);
    }
}
